//! Hosts: the machines a URL names, of which one is the database.
//!
//! They are asked one after the other, each with its share of the time, whatever it does: a machine that
//! has frozen still takes connections, and says nothing on them. Who led to the database is asked first
//! the next time, so such a machine costs its share once, and not once for each connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Error, Socket};

/// The machines. Clones share who is asked first.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    each: Arc<[Config]>,
    share: Duration,
    /// How far behind the one that led to the database the next search begins.
    step: usize,
    first: Arc<AtomicUsize>,
}

impl Hosts {
    /// Those of a URL. `None`: it names none, or has not one port or address for each. `patience` is for
    /// all of them together.
    pub(super) fn of(config: &Config, patience: Duration) -> Option<Self> {
        let (names, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
        let (count, ports) = (names.max(addresses), config.get_ports().len());
        let fits = |given: usize| given == 0 || given == count;
        if count == 0 || !fits(names) || !fits(addresses) || !(ports == 1 || fits(ports)) {
            return None;
        }
        let share = patience / u32::try_from(count).unwrap_or(u32::MAX);
        let each = (0..count).map(|place| alone(config, place, share)).collect();
        let step = usize::from(config.get_load_balance_hosts() == LoadBalanceHosts::Random);
        Some(Self { each, share, step, first: Arc::default() })
    }

    /// Looks for the database. The last machine is given whatever time the caller has.
    ///
    /// # Errors
    /// That of the last.
    pub(super) async fn connect<T>(
        &self,
        tls: T,
    ) -> Result<(Client, Connection<Socket, T::Stream>), Error>
    where
        T: MakeTlsConnect<Socket> + Clone,
    {
        let (first, others) = (self.first.load(Ordering::Relaxed), self.each.len() - 1);
        for place in first..first + others {
            match timeout(self.share, self.ask(place, tls.clone())).await {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(error)) => tracing::debug!(place, %error, "not the database's host"),
                Err(_) => tracing::debug!(place, "a host of the database does not answer"),
            }
        }
        self.ask(first + others, tls).await
    }

    /// Asks one of them; places go round.
    async fn ask<T>(
        &self,
        place: usize,
        tls: T,
    ) -> Result<(Client, Connection<Socket, T::Stream>), Error>
    where
        T: MakeTlsConnect<Socket>,
    {
        let place = place % self.each.len();
        let found = self.each[place].connect(tls).await?;
        self.first.store(place + self.step, Ordering::Relaxed);
        Ok(found)
    }
}

/// The settings of all, for one of them.
fn alone(all: &Config, place: usize, patience: Duration) -> Config {
    let mut one = Config::new();
    one.ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .channel_binding(all.get_channel_binding())
        .target_session_attrs(all.get_target_session_attrs())
        .load_balance_hosts(all.get_load_balance_hosts())
        .keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .connect_timeout(patience);
    all.get_user().map(|user| one.user(user));
    all.get_password().map(|password| one.password(password));
    all.get_dbname().map(|name| one.dbname(name));
    all.get_options().map(|options| one.options(options));
    all.get_application_name().map(|name| one.application_name(name));
    all.get_keepalives_interval().map(|interval| one.keepalives_interval(interval));
    all.get_keepalives_retries().map(|retries| one.keepalives_retries(retries));
    all.get_tcp_user_timeout().map(|timeout| one.tcp_user_timeout(*timeout));
    match all.get_hosts().get(place) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        #[cfg(unix)]
        Some(Host::Unix(path)) => drop(one.host_path(path)),
        None => {}
    }
    all.get_hostaddrs().get(place).map(|address| one.hostaddr(*address));
    let ports = all.get_ports();
    ports.get(place).or(ports.first()).map(|port| one.port(*port));
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn hosts(url: &str) -> Option<Hosts> {
        Hosts::of(&Config::from_str(url).unwrap(), Duration::from_secs(6))
    }

    #[test]
    fn each_has_the_settings_of_all() {
        let rest = "user=ada password=secret dbname=care options=-cgeqo=off application_name=desk \
            sslmode=require sslnegotiation=direct channel_binding=require keepalives=0 \
            keepalives_idle=7 keepalives_interval=8 keepalives_retries=9 tcp_user_timeout=10 \
            target_session_attrs=read-write load_balance_hosts=random";
        for (all, each) in [
            ("host=a,b port=1,2", ["host=a port=1", "host=b port=2"]),
            ("host=a,/run port=3", ["host=a port=3", "host=/run port=3"]),
            ("host=a,b", ["host=a", "host=b"]),
            ("hostaddr=::1,::2 port=1", ["hostaddr=::1 port=1", "hostaddr=::2 port=1"]),
            ("host=a,b hostaddr=::1,::2", ["host=a hostaddr=::1", "host=b hostaddr=::2"]),
        ] {
            let expected = each
                .map(|one| Config::from_str(&format!("{one} {rest} connect_timeout=3")).unwrap());
            let found = hosts(&format!("{all} {rest}")).unwrap();
            assert_eq!(*found.each, expected, "{all}");
        }
    }

    #[test]
    fn what_does_not_say_one_of_each_is_refused() {
        for url in
            ["user=ada", "host=a,b,c port=1,2", "host=a,b,c hostaddr=::1,::2", "host=a port=1,2"]
        {
            assert!(hosts(url).is_none(), "{url}");
        }
    }
}
