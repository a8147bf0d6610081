//! Sessions: how a connection is made and kept, and what ends it.
//!
//! With synchronous replication PostgreSQL answers a commit once the standby has it. Where that wait is
//! ended, by a timeout or an operator, the commit is done here and perhaps not there, and PostgreSQL only
//! warns. Whoever asked for it must not take it for done: that warning is the end of the session, so that
//! the answer that follows it is never read.

use super::hosts::Hosts;
use deadpool_postgres::Connect;
use futures::FutureExt;
use futures::future::{BoxFuture, poll_fn};
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, Socket};

/// The routine in which PostgreSQL waits for standbys: what it warns of is told in any language.
const WAIT_FOR_STANDBYS: &str = "SyncRepWaitForLSN";

/// Makes sessions, over TLS or not.
pub(super) struct Sessions<T> {
    pub(super) hosts: Hosts,
    pub(super) tls: T,
}

impl<T> Connect for Sessions<T>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send + Sync,
    T::TlsConnect: Send + Sync,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    /// The configuration is that of all hosts together, which are known one by one.
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        async move {
            let (client, connection) = self.hosts.connect(self.tls.clone()).await?;
            Ok((client, tokio::spawn(keep(connection))))
        }
        .boxed()
    }
}

/// Lets it work until it ends, or has to.
async fn keep<S: TlsStream + Unpin>(mut connection: Connection<Socket, S>) {
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice)))
                if notice.routine() == Some(WAIT_FOR_STANDBYS) =>
            {
                tracing::error!(%notice, "a commit was not waited for");
                return;
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "a connection to the database has ended");
                return;
            }
            None => return,
        }
    }
}
