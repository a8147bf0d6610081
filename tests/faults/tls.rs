//! TLS on the way to the database: its certificate has to be one we trust, for the name we called it by.

use crate::scene::is_installed;
use harness::{Api, Database, ServerProcess, shows};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use test_postgres::{Cluster, FORGETFUL, belongs_to_user};

/// Runs `openssl`, which Debian's PostgreSQL depends on.
fn openssl(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(folder).stderr(Stdio::null()).stdout(Stdio::null());
    assert!(command.status().expect("openssl").success(), "{command:?}");
}

/// An authority that vouches for nobody else, in `NAME.pem` and `NAME.key`.
fn authority(folder: &Path, name: &str) -> PathBuf {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"];
    let subject = format!("/CN=authority {name}");
    let (key_file, file) = (format!("{name}.key"), format!("{name}.pem"));
    let rest = [&key_file, "-x509", "-subj", &subject, "-days", "2", "-out", &file];
    openssl(folder, &[&["req"], &key[..], &rest].concat());
    folder.join(file)
}

/// A certificate for `localhost` by the authority `a`, in `server.pem` and `server.key`.
fn certificate(folder: &Path) {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let request = ["-keyout", "server.key", "-subj", "/CN=database", "-out", "server.csr"];
    openssl(folder, &[&["req"], &key[..], &request].concat());
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost").unwrap();
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "a.pem", "-CAkey", "a.key"];
    let rest = ["-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem"];
    openssl(folder, &[&sign[..], &rest].concat());
}

/// A cluster that speaks TLS only on a port, and the port.
fn cluster(folder: &Path) -> (Cluster, u16) {
    certificate(folder);
    for name in ["server.pem", "server.key"] {
        belongs_to_user(&folder.join(name)).unwrap();
    }
    belongs_to_user(folder).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = |name: &str| folder.join(name).display().to_string();
    let settings = [
        "listen_addresses=localhost".to_owned(),
        format!("port={port}"),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", file("server.pem")),
        format!("ssl_key_file={}", file("server.key")),
    ];
    let settings: Vec<&str> =
        FORGETFUL.iter().copied().chain(settings.iter().map(String::as_str)).collect();
    (Cluster::start(&settings).unwrap(), port)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_known_by_its_certificate() {
    if !is_installed() {
        return;
    }
    shows!(["database.tls"]);
    let folder = TempDir::new().unwrap();
    let [ours, other] = ["a", "b"].map(|name| authority(folder.path(), name));
    let (_cluster, port) = cluster(folder.path());
    let url =
        |host: &str| format!("postgres://postgres:secret@{host}:{port}/postgres?sslmode=require");
    let trusting = |file: &Path| file.display().to_string();

    let database = Database::at(url("localhost"));
    let trusted = trusting(&ours);
    let mut server = ServerProcess::start_on(&database, &[("SSL_CERT_FILE", &trusted)]).await;
    server.through(Api::V5).await.create_sample("call").await;
    server.terminate();
    assert_eq!(server.wait().await, Some(0));

    for (host, trusted, complaint) in [
        ("localhost", trusting(&other), "UnknownIssuer"),
        ("127.0.0.1", trusted, "not valid for name"),
    ] {
        let url = url(host);
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--store", &url];
        let environment = [("SSL_CERT_FILE", trusted.as_str())];
        let ended = ServerProcess::run(&arguments, &environment, folder.path()).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains(complaint) && ended.err.contains(host), "{ended:?}");
        assert!(!format!("{ended:?}").contains("secret"), "{ended:?}");
    }
}
