//! A secured server and the people aboard.

use reqwest::Method;
use serde_json::json;

use crate::{Answer, Json, Server, ServerOptions};

/// The password of everybody in these tests.
pub const PASSWORD: &str = "correct horse battery";

impl ServerOptions {
    /// Starts it secured, and claims it for the user `admin`.
    pub async fn start_claimed(self) -> (Server, String) {
        let server = self.secured().start().await;
        let admin = server.claim().await;
        (server, admin)
    }
}

impl Server {
    /// The code that the console shows.
    pub async fn claim_code(&self) -> String {
        let line = self.logs().wait_for(&["enter the code "]).await;
        line.split("enter the code ").nth(1).expect("the line was found by this text").trim().to_owned()
    }

    /// Claims the server for the user `admin`; nobody may read without a login from then on. Returns the admin's token.
    pub async fn claim(&self) -> String {
        let body = json!({"userId": "admin", "password": PASSWORD, "type": "admin", "code": self.claim_code().await});
        let answer = self.post("/skServer/enableSecurity", &body).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "Security enabled"));
        self.log_in("admin").await
    }

    /// Adds a user of this level, who has the same password as everybody.
    pub async fn add_user(&self, admin: &str, name: &str, level: &str) -> String {
        let body = json!({"password": PASSWORD, "type": level});
        let answer = self.as_who(admin, Method::POST, &format!("/skServer/security/users/{name}"), Some(body)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "User added"));
        self.log_in(name).await
    }

    /// Logs in over HTTP; the token.
    pub async fn log_in(&self, name: &str) -> String {
        let answer = self.post("/signalk/v1/auth/login", &json!({"username": name, "password": PASSWORD})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["token"].as_str().expect("a token").to_owned()
    }

    /// A request with a token.
    pub async fn as_who(&self, token: &str, method: Method, path: &str, body: Option<Json>) -> Answer {
        let bearer = format!("Bearer {token}");
        self.request(method, path, &[("Authorization", &bearer)], body.map(|body| body.to_string())).await
    }

    /// Asks for access for a device and has an admin approve it; its token.
    pub async fn add_device(&self, admin: &str, client_id: &str, permissions: &str) -> String {
        let asked = self
            .post(
                "/signalk/v1/access/requests",
                &json!({"clientId": client_id, "description": "a device", "permissions": permissions}),
            )
            .await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let href = asked.json()["href"].as_str().expect("an href").to_owned();
        let path = format!("/skServer/security/access/requests/{client_id}/approved");
        let decided =
            self.as_who(admin, Method::PUT, &path, Some(json!({"permissions": permissions, "expiration": "1y"}))).await;
        assert_eq!(decided.status, 200, "{}", decided.text);
        let state = self.json(&href).await;
        state["accessRequest"]["token"].as_str().unwrap_or_else(|| panic!("no token in {state}")).to_owned()
    }
}
