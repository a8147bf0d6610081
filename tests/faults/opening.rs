//! Where a server begins: several at once on an empty database, on one of a later release, on none.

use crate::scene::{cluster, is_installed, server};
use futures::future::join_all;
use harness::{Api, Database, Ended, ServerProcess, shows};

#[tokio::test(flavor = "multi_thread")]
async fn of_servers_that_begin_at_once_one_makes_the_tables() {
    if !is_installed() {
        return;
    }
    shows!(["database.schema"]);
    let cluster = cluster(&[]);
    let database = Database::at(cluster.url());
    let servers = join_all((0..6).map(|_| ServerProcess::start_on(&database, &[]))).await;
    for (place, server) in servers.iter().enumerate() {
        let caller = server.through(Api::V5).await;
        caller.create_sample("call").await;
        let all = caller.get("/partyInteraction").await.is(200);
        assert_eq!(all.header("x-total-count"), (place + 1).to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_later_release_is_left_alone() {
    if !is_installed() {
        return;
    }
    shows!(["database.schema"]);
    let cluster = cluster(&[]);
    server(&cluster.url()).await.stop().await;
    cluster.sql(&["UPDATE schema_version SET version = 999"]).unwrap();
    let ended = serve(&cluster.url()).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("its schema is version 999"), "{ended:?}");
    let version = cluster.sql(&["SELECT version FROM schema_version"]).unwrap();
    assert_eq!(version, "999");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    if !is_installed() {
        return;
    }
    shows!(["database.tls"]);
    // Nobody listens on a port that was let go.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host = format!("127.0.0.1:{port}");
    let ended = serve(&format!("postgres://care:secret@{host}/calls?password=secret")).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains(&host) && ended.err.contains("refused"), "{ended:?}");
    assert!(!format!("{ended:?}").contains("secret"), "{ended:?}");
}

async fn serve(url: &str) -> Ended {
    let database = Database::at(url);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--store", database.store()];
    ServerProcess::run(&arguments, &[], &std::env::temp_dir()).await
}
