//! A real dropshot server on the emitted routes, asked in plain HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use dropshot::{ConfigDropshot, ConfigLogging, ConfigLoggingLevel, HttpServer, ServerBuilder};
use tmf683_generated::serving::PathMethods;
use tmf683_generated::{v4, v5};

use super::stub::{self, Stub};

fn start() -> HttpServer<Stub> {
    let log = ConfigLogging::StderrTerminal { level: ConfigLoggingLevel::Critical };
    let log = log.to_logger("test").unwrap();
    let config =
        ConfigDropshot { bind_address: ([127, 0, 0, 1], 0).into(), ..ConfigDropshot::default() };
    ServerBuilder::new(stub::all(), Stub, log).config(config).start().unwrap()
}

/// One request on a connection of its own; the answer, in lower case.
fn ask(server: SocketAddr, method: &str, target: &str, rest: &str) -> String {
    let mut connection = TcpStream::connect(server).unwrap();
    let request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{rest}");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.to_ascii_lowercase()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undeclared_methods_are_answered_by_the_guard() {
    let server = start();
    let address = server.local_addr();
    let check = |base: &str, paths: &[&PathMethods]| {
        for path in paths {
            let target = format!("{base}{}", path.path.replace("{id}", "1"));
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
                let answer = ask(address, method, &target, "content-length: 0\r\n\r\n");
                let allow = format!("allow: {}\r\n", path.allowed.join(", ").to_ascii_lowercase());
                if path.allowed.contains(&method) {
                    assert!(answer.starts_with("http/1.1 20"), "{method} {target}: {answer}");
                } else {
                    assert!(answer.starts_with("http/1.1 405"), "{method} {target}: {answer}");
                    assert_eq!(answer.matches(&allow).count(), 1, "{method} {target}: {answer}");
                }
            }
        }
    };
    check("/tmf-api/partyInteraction/v4", v4::operations::PATHS);
    check("/partyInteraction/v4", v4::operations::PATHS);
    check("/tmf-api/partyInteraction/v5", v5::operations::PATHS);
    let unknown = ask(address, "GET", "/tmf-api/partyInteraction/v6/hub", "\r\n");
    assert!(unknown.starts_with("http/1.1 404"), "{unknown}");
    server.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_arrive_as_they_were_sent() {
    let server = start();
    let address = server.local_addr();
    let base = "/tmf-api/partyInteraction/v5/partyInteraction";

    let query = "status=a&status=b&date%3E=1&x=%22";
    let answer = ask(address, "GET", &format!("{base}?{query}"), "\r\n");
    assert!(answer.ends_with(&query.to_ascii_lowercase()), "{answer}");

    let rest = "content-type: Application/JSON; charset=x\r\ncontent-length: 3\r\n\r\n{ }";
    let answer = ask(address, "POST", base, rest);
    assert!(answer.starts_with("http/1.1 201"), "{answer}");
    assert!(answer.ends_with("application/json { }"), "{answer}");

    let long = "content-length: 17\r\n\r\n12345678901234567";
    assert!(ask(address, "POST", base, long).starts_with("http/1.1 413"), "announced");
    let chunks = "transfer-encoding: chunked\r\n\r\n9\r\n123456789\r\n9\r\n123456789\r\n0\r\n\r\n";
    assert!(ask(address, "POST", base, chunks).starts_with("http/1.1 413"), "in chunks");

    // The guard refuses before a byte of the body is wanted: the announced body never comes.
    let refused = "x-refuse: 1\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    let answer = ask(address, "POST", base, refused);
    assert!(answer.starts_with("http/1.1 400"), "{answer}");
    server.close().await.unwrap();
}
