//! From the name in a callback to addresses that may be called.
//!
//! Asked when a subscription is made, and again at each connection: names change their addresses,
//! some of them on purpose. Names are looked up by the operating system, on threads of their own
//! number, so that a name server that does not answer takes no others' place.

use super::address::{AddressPolicy, Forbidden};
use futures::FutureExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use url::{Host, Url};

/// Look-ups at a time. Each has a thread until it ends, which may be long after its asker has gone.
const MOST_LOOKUPS: usize = 64;

/// How long the maker of a subscription waits for a look-up.
const PATIENCE: Duration = Duration::from_secs(2);

/// The addresses of a name. Blocks.
type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Finds the addresses a callback leads to, and refuses those that may not be called.
#[derive(Clone)]
pub struct Resolver {
    policy: AddressPolicy,
    lookup: Arc<Lookup>,
    turns: Arc<Semaphore>,
}

/// Why there is no address to call.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The name is not known, or nobody who would know it answers.
    #[error("the name does not resolve")]
    Unknown(#[source] io::Error),
    /// None of its addresses may be called.
    #[error("the name {0}")]
    Forbidden(Forbidden),
}

impl Resolver {
    /// Resolves as the operating system does.
    pub fn new(policy: AddressPolicy) -> Self {
        Self::with_lookup(policy, |name| {
            Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
        })
    }

    fn with_lookup(
        policy: AddressPolicy,
        lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Self {
        let turns = Arc::new(Semaphore::new(MOST_LOOKUPS));
        Self { policy, lookup: Arc::new(lookup), turns }
    }

    /// Judges a callback when a subscription is made. A name that does not resolve now is accepted:
    /// the trouble may be the name server's or this server's own, it may pass, and each connection
    /// is judged anyhow.
    ///
    /// # Errors
    /// The address is forbidden, or all addresses of the name are.
    pub async fn judge(&self, callback: &Url) -> Result<(), Forbidden> {
        self.judge_literal(callback)?;
        let Some(Host::Domain(name)) = callback.host() else { return Ok(()) };
        match tokio::time::timeout(PATIENCE, self.addresses(name)).await {
            Ok(Err(ResolveError::Forbidden(forbidden))) => Err(forbidden),
            _ => Ok(()),
        }
    }

    /// Judges an address that stands in the URL itself, for which nobody asks a resolver, and the
    /// names that mean this machine whatever a resolver knows of them (RFC 6761 §6.3).
    ///
    /// # Errors
    /// It is forbidden.
    pub fn judge_literal(&self, callback: &Url) -> Result<(), Forbidden> {
        match callback.host() {
            Some(Host::Ipv4(address)) => self.policy.judge(address.into()),
            Some(Host::Ipv6(address)) => self.policy.judge(address.into()),
            Some(Host::Domain(name)) if is_localhost(name) => {
                self.policy.judge(Ipv4Addr::LOCALHOST.into())
            }
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// Those addresses of a name that may be called, at least one.
    ///
    /// # Errors
    /// [`ResolveError`]
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let closed = |_| ResolveError::Unknown(io::Error::other("the server is stopping"));
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(closed)?;
        let (lookup, name) = (Arc::clone(&self.lookup), name.to_owned());
        let found = spawn_blocking(move || {
            let found = lookup(&name);
            drop(turn);
            found
        });
        let found = found.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let found = found.map_err(ResolveError::Unknown)?;
        let mut refusal = None;
        let judged = |address: &IpAddr| {
            self.policy.judge(*address).map_err(|forbidden| refusal = Some(forbidden)).is_ok()
        };
        let allowed: Vec<IpAddr> = found.into_iter().filter(judged).collect();
        match (allowed.is_empty(), refusal) {
            (false, _) => Ok(allowed),
            (true, Some(forbidden)) => Err(ResolveError::Forbidden(forbidden)),
            (true, None) => Err(ResolveError::Unknown(io::Error::other("it has no address"))),
        }
    }
}

/// The name is in lower case, as URLs have it.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        async move {
            let addresses = resolver.addresses(name.as_str()).await?;
            // Port 0 stands for that of the URL.
            let with_port = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(with_port) as Addrs)
        }
        .boxed()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A policy for tests.
    pub fn allowing(loopback: bool) -> AddressPolicy {
        AddressPolicy { loopback, link_local: false, private: true }
    }

    /// Names as a stub knows them.
    pub fn stub(
        policy: AddressPolicy,
        lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver::with_lookup(policy, lookup)
    }

    fn known(name: &str) -> io::Result<Vec<IpAddr>> {
        let addresses: &[&str] = match name {
            "inside.example" => &["127.0.0.1", "::1", "169.254.169.254"],
            "mixed.example" => &["127.0.0.1", "192.0.2.1"],
            "outside.example" => &["192.0.2.1"],
            "nowhere.example" => &[],
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(addresses.iter().map(|address| address.parse().unwrap()).collect())
    }

    #[tokio::test]
    async fn callbacks_when_a_subscription_is_made() {
        let resolver = stub(allowing(false), known);
        for (callback, allowed) in [
            ("http://127.0.0.1/", false),
            ("http://127.1:8080/x", false),
            ("http://0x7f.1/", false),
            ("http://2130706433/", false),
            ("http://0/", false),
            ("http://[::1]/", false),
            ("http://[::ffff:127.0.0.1]/", false),
            ("https://169.254.169.254/latest", false),
            ("http://192.0.2.1/", true),
            ("http://10.0.0.1/", true),
            ("http://inside.example/", false),
            ("http://INSIDE.example/", false),
            ("http://mixed.example/", true),
            ("http://outside.example/", true),
            ("http://nowhere.example/", true),
            ("http://unknown.example/", true),
        ] {
            let judged = resolver.judge(&Url::parse(callback).unwrap()).await;
            assert_eq!(judged.is_ok(), allowed, "{callback}");
        }
    }

    #[tokio::test]
    async fn names_of_this_machine_end_at_its_loopback_address() {
        for name in ["localhost", "localhost.", "LOCALHOST", "care.localhost"] {
            let callback = Url::parse(&format!("http://{name}/")).unwrap();
            assert!(Resolver::new(allowing(false)).judge(&callback).await.is_err(), "{name}");
            assert!(Resolver::new(allowing(true)).judge(&callback).await.is_ok(), "{name}");
        }
        let resolved = Resolver::new(allowing(false)).addresses("localhost").await;
        assert!(matches!(resolved, Err(ResolveError::Forbidden(_))), "{resolved:?}");
    }

    #[tokio::test]
    async fn only_what_may_be_called_is_left() {
        let resolver = stub(allowing(false), known);
        let found = resolver.addresses("mixed.example").await.unwrap();
        assert_eq!(found, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        let told = resolver.addresses("inside.example").await.unwrap_err().to_string();
        assert!(told.starts_with("the name leads to a "), "{told}");
        assert!(matches!(
            resolver.addresses("nowhere.example").await,
            Err(ResolveError::Unknown(_))
        ));
    }
}
