//! Raw calls to one API. Every answer passes the judge before the scenario sees it.

use crate::DEADLINE;
use crate::answer::Answer;
use crate::api::Api;
use crate::document::Document;
use crate::judge::{Question, judge};
use crate::stream::EventStream;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// A client of one API on one server. Clones share what they have seen.
#[derive(Clone)]
pub struct Caller {
    /// Which API it speaks to.
    pub api: Api,
    /// What that API says about itself.
    pub document: Arc<Document>,
    origin: String,
    http: Client,
    tolerated: &'static [&'static str],
    seen: Arc<Mutex<BTreeSet<(String, u16)>>>,
}

impl Caller {
    /// Fetches the published document of the API and is ready to call.
    pub async fn connect(address: SocketAddr, api: Api) -> Self {
        let http = Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        let origin = format!("http://{address}");
        let request = http.get(format!("{origin}{}/openapi.json", api.base));
        let text = request.send().await.unwrap().text().await.unwrap();
        let document = Document::read(&text);
        Self { api, document, origin, http, tolerated: &[], seen: Arc::default() }
    }

    /// Has the judge tolerate that answers lack these members, though the document requires them.
    pub fn tolerating(self, names: &'static [&'static str]) -> Self {
        Self { tolerated: names, ..self }
    }

    /// `http://127.0.0.1:…` and the base.
    pub fn root(&self) -> String {
        format!("{}{}", self.origin, self.api.base)
    }

    /// `http://127.0.0.1:…`
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Operations called so far, by id, with the statuses they answered.
    pub fn seen(&self) -> BTreeSet<(String, u16)> {
        self.seen.lock().unwrap().clone()
    }

    /// A call to `path` (and query) below the base.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.call_url(method, &format!("{}{path}", self.root()))
    }

    /// A call to an absolute URL of the same server.
    pub fn call_url(&self, method: Method, url: &str) -> Call<'_> {
        Call { caller: self, request: self.http.request(method.clone(), url), method }
    }

    /// GET below the base.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }

    /// GET of an absolute URL.
    pub async fn get_url(&self, url: &str) -> Answer {
        self.call_url(Method::GET, url).send().await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, body.to_string()).await
    }

    /// POST of a text that says it is JSON.
    pub async fn post_text(&self, path: &str, text: impl Into<reqwest::Body>) -> Answer {
        self.call(Method::POST, path).body("application/json", text).send().await
    }

    /// Creates an interaction, which must succeed.
    pub async fn create(&self, body: &Value) -> Answer {
        self.post("/partyInteraction", body).await.is(201)
    }

    /// Creates the sample, which must succeed.
    pub async fn create_sample(&self, reason: &str) -> Answer {
        self.create(&self.api.sample(reason)).await
    }

    /// Reads one interaction.
    pub async fn read(&self, id: &str) -> Answer {
        self.get(&format!("/partyInteraction/{id}")).await
    }

    /// Merge patch of one interaction.
    pub async fn patch(&self, id: &str, patch: &Value) -> Answer {
        let call = self.call(Method::PATCH, &format!("/partyInteraction/{id}"));
        call.body("application/merge-patch+json", patch.to_string()).send().await
    }

    /// DELETE below the base.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).send().await
    }
}

/// A call under construction.
pub struct Call<'a> {
    caller: &'a Caller,
    method: Method,
    request: RequestBuilder,
}

impl Call<'_> {
    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// A body and what it says it is.
    pub fn body(self, media_type: &str, body: impl Into<reqwest::Body>) -> Self {
        let request = self.request.header("content-type", media_type).body(body);
        Self { request, ..self }
    }

    /// A body that says nothing of itself.
    pub fn bare_body(self, body: impl Into<reqwest::Body>) -> Self {
        Self { request: self.request.body(body), ..self }
    }

    /// Sends it and has the answer judged.
    pub async fn send(self) -> Answer {
        self.try_send().await.expect("an answer")
    }

    /// Sends it and has the answer stream, which must be one of events.
    pub async fn stream(self) -> EventStream {
        EventStream::new(self.request.send().await.expect("an answer"))
    }

    /// As [`Self::send`], for servers that may go away.
    ///
    /// # Errors
    /// No whole answer came.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        let request = self.request.build()?;
        let (url, name) = (request.url().clone(), format!("{} {}", self.method, request.url()));
        let media_type = request.headers().get("content-type").cloned();
        let response = self.caller.http.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { request: name, status, headers, text: response.text().await? };
        let caller = self.caller;
        let path = url.path().strip_prefix(caller.api.base);
        // What the server says about itself is not in the document.
        if let Some(path) = path.filter(|path| !path.ends_with(".json")) {
            let (query, tolerated) = (url.query().unwrap_or_default(), caller.tolerated);
            let media_type = media_type.as_ref().and_then(|value| value.to_str().ok());
            let question = Question { method: &self.method, path, query, media_type, tolerated };
            let judged = judge(&caller.document, &question, &answer);
            let operation = judged.unwrap_or_else(|complaint| panic!("{complaint}\n{answer}"));
            caller.seen.lock().unwrap().extend(operation.map(|id| (id, status)));
        }
        Ok(answer)
    }
}
