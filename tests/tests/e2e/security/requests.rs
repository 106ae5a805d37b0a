//! Requests of others: for values, and for access.

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Json, PASSWORD, Publisher, Server, ServerOptions, Stream, delta};

async fn configure(server: &Server, admin: &str, config: Json) {
    let answer = server.as_who(admin, Method::PUT, "/skServer/security/config", Some(config)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn what_somebody_has_asked_for_is_theirs() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    configure(&server, &admin, json!({"allow_readonly": true})).await;
    let crew = server.add_user(&admin, "crew", "readwrite").await;
    let mate = server.add_user(&admin, "mate", "readwrite").await;
    // Somebody who feeds the value is asked, and never answers.
    let mut feeder = Publisher::connect_as(&server, &format!("token={crew}")).await;
    feeder.publish(&delta("pilot", "steering.x", 1)).await;
    let mut stream = Stream::connect(&server, &format!("subscribe=none&token={crew}")).await;
    stream.send(&json!({"requestId": "1", "put": {"path": "steering.x", "value": 2}})).await;
    let pending = stream.wait_for_frame("the answer", |frame| frame["requestId"] == "1").await;
    assert_eq!(pending["statusCode"], 202, "{pending}");

    let mut visitor = Stream::connect(&server, "subscribe=none").await;
    visitor.send(&json!({"requestId": "1", "put": {"path": "steering.x", "value": 3}})).await;
    let refused = visitor.wait_for_frame("the answer", |frame| frame["requestId"] == "1").await;
    assert_eq!(refused["statusCode"], 403, "{refused}");
    visitor.send(&json!({"requestId": "1", "query": true})).await;
    let unknown = visitor.wait_for_frame("the answer", |frame| frame["requestId"] == "1").await;
    assert_eq!(unknown["statusCode"], 404, "{unknown}");
    for n in 0..5_100 {
        visitor.send(&json!({"requestId": format!("f{n}"), "delete": {"path": "a.b.meta"}})).await;
    }
    visitor.wait_for_frame("the last answer", |frame| frame["requestId"] == "f5099").await;
    let mut other = Stream::connect(&server, &format!("subscribe=none&token={mate}")).await;
    other.send(&json!({"requestId": "1", "delete": {"path": "steering.x"}})).await;
    let own = other.wait_for_frame("the answer", |frame| frame["requestId"] == "1").await;
    assert_eq!(own["statusCode"], 405, "{own}");

    let poll = |token: &str| {
        let (server, token) = (&server, token.to_owned());
        async move { server.as_who(&token, Method::GET, "/signalk/v1/requests/1", None).await }
    };
    let still = poll(&crew).await.json();
    assert_eq!((&still["statusCode"], &still["user"]), (&json!(202), &json!("crew")), "{still}");
    assert_eq!(poll(&mate).await.json()["statusCode"], 405);
    assert_eq!(server.get("/signalk/v1/requests/1").await.status, 404);
    // An id that the server has made is known to those who were told it.
    let path = "/signalk/v1/api/vessels/self/steering/x";
    let answer = server.as_who(&crew, Method::PUT, path, Some(json!({"value": 2}))).await;
    let href = answer.json()["href"].as_str().expect("a reference").to_owned();
    assert_eq!(server.json(&href).await["user"], "crew");
}

#[tokio::test]
async fn questions_without_a_token_are_limited_on_the_stream_too() {
    let (server, admin) = ServerOptions::new().environment("HTTP_RATE_LIMITS", "api=3").start_claimed().await;
    configure(&server, &admin, json!({"allow_readonly": true})).await;
    let mut visitor = Stream::connect(&server, "subscribe=none").await;
    for expected in [404, 404, 404, 429] {
        visitor.send(&json!({"requestId": "guess", "query": true})).await;
        let answer = visitor.wait_for_frame("the answer", |frame| frame["requestId"] == "guess").await;
        assert_eq!(answer["statusCode"], expected, "{answer}");
    }
    let mut named = Stream::connect(&server, &format!("subscribe=none&token={admin}")).await;
    named.send(&json!({"requestId": "guess", "query": true})).await;
    assert_eq!(named.wait_for_frame("the answer", |frame| frame["requestId"] == "guess").await["statusCode"], 404);
}

#[tokio::test]
async fn a_decision_names_one_request() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    configure(&server, &admin, json!({"allowNewUserRegistration": true})).await;
    let ask = async |body: Json| {
        let answer = server.post("/signalk/v1/access/requests", &body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.json()["requestId"].as_str().expect("an id").to_owned()
    };
    ask(json!({"clientId": "anna", "description": "New user", "permissions": "admin"})).await;
    let person = ask(json!({"userId": "anna", "password": PASSWORD})).await;
    let approve = async |id: &str| {
        let path = format!("/skServer/security/access/requests/{id}/approved");
        server.as_who(&admin, Method::PUT, &path, Some(json!({"permissions": "readonly"}))).await
    };
    let unclear = approve("anna").await;
    assert_eq!(unclear.status, 409, "{}", unclear.text);
    assert!(unclear.text.contains("requestId"), "{}", unclear.text);
    assert_eq!(approve(&person).await.status, 200);
    let devices = server.as_who(&admin, Method::GET, "/skServer/security/devices", None).await;
    assert_eq!(devices.json(), json!([]));
    server.log_in("anna").await;
    assert_eq!(approve("anna").await.status, 200, "only the device is left");
}

#[tokio::test]
async fn one_address_does_not_fill_the_desk() {
    let (server, _) = ServerOptions::new().start_claimed().await;
    let mut statuses = Vec::new();
    for n in 0..11 {
        let body = json!({"clientId": format!("z{n}"), "description": "d"});
        statuses.push(server.post("/signalk/v1/access/requests", &body).await.status.as_u16());
    }
    assert_eq!(statuses, [[202; 10].as_slice(), &[429]].concat());
}

#[tokio::test]
async fn metadata_is_judged_without_the_source_that_a_request_names() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let crew = server.add_user(&admin, "crew", "readwrite").await;
    let acls = json!([{"context": "vessels.self", "resources": [
        {"sources": ["trusted"], "permissions": [{"subject": "crew", "permission": "put"}]},
        {"paths": ["steering.*"], "permissions": [{"subject": "crew", "permission": "put"}]},
        {"paths": ["*"], "permissions": [{"subject": "any", "permission": "read"}]},
    ]}]);
    configure(&server, &admin, json!({"acls": acls})).await;
    let put = async |path: &str| {
        let path = format!("/signalk/v1/api/vessels/self/{path}");
        let body = json!({"value": "m", "source": "trusted"});
        server.as_who(&crew, Method::PUT, &path, Some(body)).await.status.as_u16()
    };
    assert_eq!(put("navigation/x/meta/units").await, 403);
    assert_eq!(put("steering/x/meta/units").await, 202);
}
