//! Notices: the processes on a database tell each other of their commits (`LISTEN`, `NOTIFY`), so that
//! none has to wait until it looks.
//!
//! A notice says nothing but that there is something to see: who hears it looks at the counter, as
//! the [`follower`](super::follower) does anyway every so often. So none is needed for anything to be
//! right: not where the database has no notices (CockroachDB), where a pooler swallows them, while the
//! connection that hears them is being made again, or where one could not be sent.
//!
//! PostgreSQL lets those who notify commit one after the other. The counter does so before.

use super::connection::Address;
use super::error::{Error, Result};
use deadpool_postgres::GenericClient;
use futures::{StreamExt, pin_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_postgres::AsyncMessage;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

/// How long to wait before listening again.
const TROUBLE: Duration = Duration::from_secs(1);

/// Tells of what this process commits, and hears of what others do.
#[derive(Debug)]
pub(super) struct Notices {
    /// Stores in other schemas of the database have channels of their own.
    channel: String,
    /// By which our own are known.
    sender: String,
    /// Whether the database has shown that it takes them.
    is_able: AtomicBool,
    heard: Notify,
}

impl Notices {
    /// Those of the schema this connection works in.
    pub(super) async fn of(client: &impl GenericClient) -> Result<Self> {
        let row = client.query_one("SELECT current_schema()", &[]).await?;
        let schema: Option<&str> = row.get(0);
        Ok(Self {
            channel: format!("\"tmf683 {}\"", schema.unwrap_or_default().replace('"', "\"\"")),
            sender: Uuid::now_v7().to_string(),
            is_able: AtomicBool::new(false),
            heard: Notify::new(),
        })
    }

    /// The statement that tells of a transaction when it is committed, and of none that is not.
    pub(super) fn statement(&self) -> Option<String> {
        self.is_able.load(Ordering::Relaxed).then(|| self.notify())
    }

    /// Waits until another process has committed something, since this was last asked.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }

    /// Listens for as long as it is let, or until the database says that it knows no notices.
    pub(super) async fn listen(self: Arc<Self>, address: Address) {
        let mut failing = false;
        loop {
            let ended = self.hear(&address, &mut failing).await;
            match ended {
                Err(error) if is_unknown(&error) => {
                    tracing::debug!(%error, "the database has no notices: others are looked for");
                    return;
                }
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(%error, "notices of other processes are not heard for now");
                }
                _ => {}
            }
            tokio::time::sleep(TROUBLE).await;
        }
    }

    /// On one connection, until that is lost.
    async fn hear(&self, address: &Address, failing: &mut bool) -> Result<()> {
        let (client, messages) = address.connect().await?;
        pin_mut!(messages);
        // The connection works only while its messages are taken.
        let begin = async {
            client.batch_execute(&format!("LISTEN {}", self.channel)).await?;
            // Whether it can be sent is found out here, for in a transaction a refusal would be its end.
            client.batch_execute(&self.notify()).await?;
            self.is_able.store(true, Ordering::Relaxed);
            *failing = false;
            std::future::pending::<Result<()>>().await
        };
        pin_mut!(begin);
        loop {
            tokio::select! {
                ended = &mut begin => return ended,
                message = messages.next() => match message {
                    Some(Ok(AsyncMessage::Notification(notice))) => {
                        if notice.payload() != self.sender {
                            self.heard.notify_one();
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(Error::because("the connection was closed")),
                }
            }
        }
    }

    fn notify(&self) -> String {
        format!("NOTIFY {}, '{}'", self.channel, self.sender)
    }
}

/// Whether the database does not know what is asked of it.
fn is_unknown(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    let unknown = [SqlState::FEATURE_NOT_SUPPORTED, SqlState::SYNTAX_ERROR];
    error.code().is_some_and(|code| unknown.contains(code))
}
