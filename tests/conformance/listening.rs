//! The whole way: a real server signs and delivers, the embedded listener verifies, drops repeats, and
//! hands on typed events. And what becomes of those whose secret is another one.

use crate::watching::{lag_is, subscribe, until};
use harness::{Api, DEADLINE, TestServer, shows};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::NamedTempFile;
use tmf683_client::listener::{Kind, Listener, Receiver};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

/// What a handler took: kind, id and reason of the interaction, correlation.
type Taken = (Kind, Option<String>, Option<String>, Option<String>);

async fn next(taken: &mut UnboundedReceiver<Taken>) -> Taken {
    timeout(DEADLINE, taken.recv()).await.expect("an event in time").expect("a listener")
}

/// A listener of one version that verifies by this secret; its handler fails the first time.
macro_rules! listener {
    ($version:ident, $secret:expr) => {{
        let (take, taken) = unbounded_channel::<Taken>();
        let calls = Arc::new(AtomicUsize::new(0));
        let receiver = Receiver::$version(move |event| {
            let (take, calls) = (take.clone(), Arc::clone(&calls));
            async move {
                if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                    return Err("not this time");
                }
                let interaction = event.interaction().expect("an interaction");
                let (id, reason) = (interaction.id.clone(), interaction.reason.clone());
                let correlation = event.correlation_id().map(str::to_owned);
                let is_open = take.send((event.kind(), id, reason, correlation));
                is_open.map_err(|_| "nobody asks")
            }
        });
        let receiver = receiver.secret($secret.parse().unwrap());
        let address = "127.0.0.1:0".parse().unwrap();
        let running = Listener::new(receiver).callback("/ours").start(address).await.unwrap();
        let callback = format!("http://{}/ours", running.local_addr());
        (running, callback, taken)
    }};
}

macro_rules! listens {
    ($test:ident, $version:ident, $api:expr) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            shows!($api, ["delivery.signed", "delivery.listener", "delivery.secrets"]);
            let secrets = NamedTempFile::new().unwrap();
            std::fs::write(secrets.path(), OLD).unwrap();
            let settings =
                format!("[delivery]\nretry_seconds = [0]\nsecret_file = {:?}", secrets.path());
            let mut server = TestServer::with(&settings).await;
            let (admin, caller) = (server.through(Api::ADMIN).await, server.through($api).await);
            let (ours, callback, mut taken) = listener!($version, OLD);
            let (theirs, elsewhere, mut other) = listener!($version, NEW);
            let well = subscribe(&caller, &callback, None).await;
            let ill = subscribe(&caller, &elsewhere, None).await;

            let create = caller.call(reqwest::Method::POST, "/partyInteraction");
            let create = create.header("x-correlation-id", "c-1");
            let body = $api.sample("call").to_string();
            let id = create.body("application/json", body).send().await.is(201).id();
            caller.patch(&id, &json!({"status": "closed", "reason": "other"})).await.is(200);
            caller.delete(&format!("/partyInteraction/{id}")).await.is(204);
            for (kind, reason) in [
                (Kind::Created, "call"),
                (Kind::StatusChanged, "other"),
                (Kind::Changed, "other"),
                (Kind::Deleted, "other"),
            ] {
                let (taken, of, because, correlation) = next(&mut taken).await;
                let expected = (kind, Some(id.as_str()), Some(reason));
                assert_eq!((taken, of.as_deref(), because.as_deref()), expected);
                let is_first = kind == Kind::Created;
                assert_eq!(correlation.as_deref() == Some("c-1"), is_first, "{correlation:?}");
            }
            // Who has another secret takes none of it, and the operator sees why.
            let refused = until(&admin, &ill, |now| now["deadDeliveries"] == 4).await;
            assert!(refused["lastError"].as_str().unwrap().contains("401"), "{refused}");
            assert!(other.try_recv().is_err());
            let dead = admin.get("/deliveries").await.is(200).text_at("/0/id");

            // Repeats are acknowledged, and not handed on.
            lag_is(&admin, &well, 0).await;
            let replay = format!("/subscriptions/{well}/replay");
            let all = json!({"fromTime": "2026-01-01T00:00:00Z"});
            assert_eq!(admin.post(&replay, &all).await.is(200).member("/lag"), 4);
            lag_is(&admin, &well, 0).await;
            assert!(taken.try_recv().is_err());

            // While one secret replaces the other both sign: each listener finds its own.
            std::fs::write(secrets.path(), format!("{OLD}\n{NEW}\n")).unwrap();
            server.restart().await;
            let (admin, caller) = (server.through(Api::ADMIN).await, server.through($api).await);
            let call = caller.create_sample("both").await.id();
            assert_eq!(next(&mut taken).await.1, Some(call.clone()));
            assert_eq!(next(&mut other).await.1, Some(call));
            admin.post_text(&format!("/deliveries/{dead}/redeliver"), "").await.is(200);
            let (kind, of, ..) = next(&mut other).await;
            assert_eq!((kind, of.as_ref()), (Kind::Created, Some(&id)));

            std::fs::write(secrets.path(), NEW).unwrap();
            server.restart().await;
            let (admin, caller) = (server.through(Api::ADMIN).await, server.through($api).await);
            let call = caller.create_sample("new").await.id();
            assert_eq!(next(&mut other).await.1, Some(call));
            until(&admin, &well, |now| now["deadDeliveries"] == 1).await;
            assert!(taken.try_recv().is_err());
            server.stop().await;
            assert!(ours.stop(DEADLINE).await && theirs.stop(DEADLINE).await);
        }
    };
}

listens!(a_v4_listener_verifies_what_the_server_signs, v4, Api::V4);
listens!(a_v5_listener_verifies_what_the_server_signs, v5, Api::V5);
