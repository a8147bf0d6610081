//! A way to PostgreSQL that can be cut at a chosen moment, freeze, or lead elsewhere. It understands just enough
//! of what goes by: where a message ends, and which one asks for a commit. (PostgreSQL 15, §55.7)

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use test_postgres::Cluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// When a transaction is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// Before its statement.
    Within,
    /// Before its commit.
    BeforeCommit,
    /// After its commit, before the answer to it.
    AfterCommit,
}

/// A proxy on a port of this machine.
pub struct Proxy {
    address: SocketAddr,
    plan: Arc<Plan>,
    accepting: JoinHandle<()>,
}

/// What the proxy does.
struct Plan {
    socket: Mutex<PathBuf>,
    /// Once, in the transaction that mentions this.
    cut: Mutex<Option<(String, Moment)>>,
    lifeline: watch::Sender<()>,
    is_frozen: watch::Sender<bool>,
}

impl Proxy {
    /// Leads to a cluster.
    pub async fn to(cluster: &Cluster) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let plan = Arc::new(Plan {
            socket: Mutex::new(socket_of(cluster)),
            cut: Mutex::default(),
            lifeline: watch::Sender::new(()),
            is_frozen: watch::Sender::new(false),
        });
        let shared = Arc::clone(&plan);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // As PostgreSQL does. Else each part of an answer waits for word that the last one came.
                client.set_nodelay(true).unwrap();
                tokio::spawn(relay(client, Arc::clone(&shared)));
            }
        });
        Self { address, plan, accepting }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL through it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address)
    }

    /// New connections lead to another cluster; those that are there stay where they are.
    pub fn lead_to(&self, cluster: &Cluster) {
        *self.plan.socket.lock().unwrap() = socket_of(cluster);
    }

    /// Cuts all connections there are.
    pub fn cut_all(&self) {
        self.plan.lifeline.send_replace(());
    }

    /// Whether nothing comes through: connections stay, and are taken, but that is all.
    pub fn freeze(&self, is_frozen: bool) {
        self.plan.is_frozen.send_replace(is_frozen);
    }

    /// Cuts, once, the transaction that mentions a word.
    pub fn cut(&self, word: &str, moment: Moment) {
        *self.plan.cut.lock().unwrap() = Some((word.to_owned(), moment));
    }

    /// Whether what was to be cut has been.
    pub fn has_cut(&self) -> bool {
        self.plan.cut.lock().unwrap().is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn socket_of(cluster: &Cluster) -> PathBuf {
    cluster.folder().join(".s.PGSQL.5432")
}

/// What becomes of a message.
enum Verdict {
    Pass,
    Cut,
    /// It passes, but not the answer to it.
    CutAnswer,
}

impl Plan {
    /// `is_meant`: whether the transaction has mentioned the word.
    fn judge(&self, message: &[u8], is_meant: &mut bool) -> Verdict {
        let mut cut = self.cut.lock().unwrap();
        let Some((word, moment)) = &*cut else { return Verdict::Pass };
        *is_meant |= message.windows(word.len()).any(|part| part == word.as_bytes());
        let is_commit = message.starts_with(b"Q") && message.ends_with(b"COMMIT\0");
        let verdict = match moment {
            Moment::Within if *is_meant => Verdict::Cut,
            Moment::BeforeCommit if *is_meant && is_commit => Verdict::Cut,
            Moment::AfterCommit if *is_meant && is_commit => Verdict::CutAnswer,
            _ => return Verdict::Pass,
        };
        *cut = None;
        verdict
    }
}

/// One connection, until either side ends it or it is cut.
async fn relay(client: TcpStream, plan: Arc<Plan>) {
    let mut lifeline = plan.lifeline.subscribe();
    tokio::select! {
        () = pass(client, &plan) => {}
        _ = lifeline.changed() => {}
    }
}

/// Hands on what comes, from either side to the other.
async fn pass(mut client: TcpStream, plan: &Plan) {
    let mut is_frozen = plan.is_frozen.subscribe();
    let socket = plan.socket.lock().unwrap().clone();
    let Ok(mut server) = UnixStream::connect(socket).await else { return };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    let (mut has_begun, mut is_meant, mut is_last) = (false, false, false);
    loop {
        tokio::select! {
            read = from_client.read_buf(&mut asked) => {
                if !read.is_ok_and(|bytes| bytes > 0) {
                    return;
                }
                thaws(&mut is_frozen).await;
                while let Some(message) = first_message(&mut asked, &mut has_begun) {
                    match plan.judge(&message, &mut is_meant) {
                        Verdict::Pass => {}
                        Verdict::Cut => return,
                        Verdict::CutAnswer => is_last = true,
                    }
                    if to_server.write_all(&message).await.is_err() {
                        return;
                    }
                }
            }
            read = from_server.read_buf(&mut answered) => {
                thaws(&mut is_frozen).await;
                let is_over = !read.is_ok_and(|bytes| bytes > 0);
                if is_over || is_last || to_client.write_all(&answered).await.is_err() {
                    return;
                }
                answered.clear();
            }
        }
    }
}

async fn thaws(is_frozen: &mut watch::Receiver<bool>) {
    // The proxy may be gone before that.
    let _gone = is_frozen.wait_for(|is_frozen| !is_frozen).await;
}

/// Takes the first message, if it is whole. Only the very first has no letter before its length.
fn first_message(bytes: &mut Vec<u8>, has_begun: &mut bool) -> Option<Vec<u8>> {
    let letter = usize::from(*has_begun);
    let length = bytes.get(letter..letter + 4)?.try_into().unwrap();
    let length = letter + u32::from_be_bytes(length) as usize;
    if bytes.len() < length {
        return None;
    }
    *has_begun = true;
    Some(bytes.drain(..length).collect())
}
