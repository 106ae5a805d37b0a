//! The HTTP side of a server.

use std::time::Instant;

use reqwest::{Method, StatusCode, header::HeaderMap};

use crate::{BETWEEN_LOOKS, Json, PATIENCE, Server};

/// What a request was answered with.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is something else.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("the body is no JSON ({error}), status {}: {:?}", self.status, self.text))
    }

    /// A header, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Server {
    /// Any request; redirects are not followed.
    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let mut request = self.client.request(method, self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap_or_else(|error| panic!("{path}: {error}"));
        Answer { status, headers, text }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], None).await
    }

    /// `GET` of something that must be there, as JSON.
    pub async fn json(&self, path: &str) -> Json {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text);
        answer.json()
    }

    /// `GET` below `/signalk/v1/api/`.
    pub async fn tree(&self, path: &str) -> Json {
        self.json(&format!("/signalk/v1/api/{path}")).await
    }

    /// The status of a `GET` below `/signalk/v1/api/`.
    pub async fn tree_status(&self, path: &str) -> StatusCode {
        self.get(&format!("/signalk/v1/api/{path}")).await.status
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, body: &Json) -> Answer {
        self.request(Method::POST, path, &[], Some(body.to_string())).await
    }

    /// Asks until the answer is 200 and its JSON as wanted, and returns it.
    ///
    /// # Panics
    /// When that does not happen.
    pub async fn eventually(&self, path: &str, wanted: impl Fn(&Json) -> bool) -> Json {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path).await;
            if answer.status == 200 {
                let json = answer.json();
                if wanted(&json) {
                    return json;
                }
            }
            let Answer { status, text, .. } = answer;
            assert!(
                Instant::now() < deadline,
                "GET {path} does not become what it should be; last answer {status}: {text}"
            );
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// The counters of `/windlass/statistics`.
    pub async fn statistics(&self) -> Json {
        self.json("/windlass/statistics").await
    }

    /// The statistics of one connection, once it is there.
    pub async fn connection_statistics(&self, id: &str) -> Json {
        let all = self.eventually("/windlass/statistics", |all| find_connection(all, id).is_some()).await;
        find_connection(&all, id).cloned().expect("it was found a moment ago")
    }

    /// Waits until a number of a connection's statistics, such as `/badLines`, has reached a value.
    pub async fn connection_counts(&self, id: &str, pointer: &str, at_least: u64) -> Json {
        let counted = |all: &Json| {
            let count = find_connection(all, id).and_then(|c| c.pointer(pointer)).and_then(Json::as_u64);
            count.is_some_and(|count| count >= at_least)
        };
        let all = self.eventually("/windlass/statistics", counted).await;
        find_connection(&all, id).cloned().expect("it was found a moment ago")
    }

    /// Where a TCP output listens: `nmeaTcp` or `signalkTcp`.
    pub async fn output(&self, name: &str) -> String {
        let address = |all: &Json| all["outputs"][name]["localAddress"].as_str().map(str::to_owned);
        let all = self.eventually("/windlass/statistics", |all| address(all).is_some()).await;
        address(&all).expect("it was found a moment ago")
    }

    /// Where a listening connection listens.
    pub async fn input(&self, id: &str) -> String {
        let listens = |all: &Json| find_connection(all, id).is_some_and(|c| c["localAddress"].is_string());
        let all = self.eventually("/windlass/statistics", listens).await;
        let connection = find_connection(&all, id).expect("it was found a moment ago");
        connection["localAddress"].as_str().expect("it was looked for as a string").to_owned()
    }
}

/// A connection's counters in the statistics: under its id, or in a list of objects with an `id`.
fn find_connection<'a>(statistics: &'a Json, id: &str) -> Option<&'a Json> {
    let connections = &statistics["connections"];
    let connection = match connections {
        Json::Array(list) => list.iter().find(|connection| connection["id"] == id)?,
        connections => connections.get(id)?,
    };
    Some(connection.get("statistics").unwrap_or(connection))
}
