//! Who the client is, and what it may do: login, access requests, and looking again while the connection lasts (signalk-v1 §5.8, §5.9).

use std::time::{Duration, SystemTime};

use actix::prelude::*;
use actix_web_actors::ws;
use serde_json::{Map, Value, json};
use uuid::Uuid;
use windlass_broker::{NameError, Provider};
use windlass_security::{LoginError, Principal, Session};

use super::requests::Later;
use super::{Client, PROVIDER};
use crate::stream::events::ServerEvent;
use crate::stream::server_log::LogRow;

/// Time between two looks at the rights of a connection on which nothing happens. A client that may not read has this long to log in.
const RECHECK: Duration = Duration::from_secs(60);
/// Longest user name or password that is looked at.
const MAX_CREDENTIAL: usize = 1024;
/// What those without admin rights may see of the server (server-admin-api §14).
const PUBLIC_EVENTS: [&str; 4] = ["VESSEL_INFO", "SERVERSTATISTICS", "PROVIDERSTATUS", "RECEIVE_LOGIN_STATUS"];
/// Why a connection ends whose right to read is gone.
const SECURITY_CONSTRAINT: &str = "Connection disconnected by security constraint";

/// Provider id and `$source` of last resort of what somebody sends: `ws`, or `ws.<name>` (§5.7).
///
/// # Errors
/// There are too many names.
pub(super) fn provider_of(principal: &Principal) -> Result<Provider, NameError> {
    let named = principal.name_for_provider().map(|name| Provider::new(&format!("{PROVIDER}.{name}")));
    match named {
        // A name that can't be one of a source is left away.
        None => Provider::new(PROVIDER),
        Some(Err(error)) if !matches!(error, NameError::TooMany { .. }) => Provider::new(PROVIDER),
        Some(provider) => provider,
    }
}

impl Client {
    /// Logs a user in (§5.8). Nothing else of this client is done until that is over: what follows has the rights that come of it.
    pub(super) fn login(&mut self, login: &Value, later: Later, ctx: &mut ws::WebsocketContext<Self>) {
        if self.rights.is_open() {
            // There is nobody to log in, and no answer.
            return self.do_later(later, ctx);
        }
        let text = |key: &str| login.get(key).and_then(Value::as_str).filter(|text| text.len() <= MAX_CREDENTIAL);
        let (Some(name), Some(password)) = (text("username"), text("password")) else {
            self.answer_login(later.id.as_deref(), 400, "login needs a username and a password", ctx);
            return self.do_later(later, ctx);
        };
        let (security, address) = (self.stream.security.clone(), self.address);
        let (name, password) = (name.to_owned(), password.to_owned());
        let attempt =
            tokio::task::spawn_blocking(move || security.login(address, &name, &password, false, SystemTime::now()));
        ctx.wait(attempt.into_actor(self).map(move |attempt, client, ctx| {
            let id = later.id.as_deref();
            match attempt {
                Ok(Ok(login)) => {
                    let time_to_live = login.time_to_live.map(|time| time.as_secs());
                    let token = json!({"timeToLive": time_to_live, "token": login.token.as_str()});
                    ctx.text(reply(id, 200, None, &token).to_string());
                    client.begin_session(login.session, ctx);
                }
                Ok(Err(LoginError::Off)) => {}
                Ok(Err(error)) => {
                    let status_code = match error {
                        LoginError::WrongCredentials | LoginError::Off => 401,
                        LoginError::TooMany { .. } => 429,
                        LoginError::Locked | LoginError::Randomness => 503,
                    };
                    client.answer_login(id, status_code, &error.to_string(), ctx);
                }
                Err(_) => client.answer_login(id, 503, "the server is shutting down", ctx),
            }
            client.do_later(later, ctx);
        }));
    }

    fn answer_login(&self, id: Option<&str>, status_code: u16, why: &str, ctx: &mut ws::WebsocketContext<Self>) {
        // Clients know a failed login by its status; the message is for people.
        ctx.text(reply(id, status_code, Some(why), &json!({})).to_string());
    }

    /// The connection has somebody's rights from now on. What it is owed of before starts; the present values are not sent again.
    fn begin_session(&mut self, session: Session, ctx: &mut ws::WebsocketContext<Self>) {
        // What was sent before was sent by somebody else.
        self.publish(ctx);
        match provider_of(session.principal()) {
            Ok(provider) => {
                self.observed.label(&format!("{} at {}", provider.id, self.address));
                self.intake.provider = provider;
            }
            Err(error) => log::warn!("data of a client that has logged in keeps its old provider: {error}"),
        }
        let before = self.rights.may_read();
        self.rights.begin(session);
        self.seat = None;
        if self.rights.may_read() {
            self.open_deferred(ctx);
            if !before {
                self.listen_to_events(ctx);
            } else if self.options.server_events {
                self.tell_login_status(ctx);
            }
        }
    }

    /// Asks for access on behalf of the client (§8.6). The decision comes over the same socket, and gives its rights to the connection.
    pub(super) fn ask_for_access(&mut self, id: Option<String>, asked: Value, ctx: &mut ws::WebsocketContext<Self>) {
        let refuse = |status_code: u16, why: &str| {
            json!({"requestId": id, "state": "COMPLETED", "statusCode": status_code, "message": why}).to_string()
        };
        if self.asking_for_access {
            return ctx.text(refuse(400, "A request has already been submitted"));
        }
        if self.stream.access_limit.take(self.address, SystemTime::now()).is_err() {
            return ctx.text(refuse(429, "Too many requests from this IP, please try again later"));
        }
        self.asking_for_access = true;
        let (desk, address) = (self.stream.access.clone(), self.address);
        // The answer can be asked for by its id and may hold a token: an id that could be guessed is known on this socket only.
        let secret = id.clone().filter(|id| Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 4));
        let asking = tokio::task::spawn_blocking(move || desk.ask(&asked, secret.as_deref(), address));
        ctx.spawn(asking.into_actor(self).map(move |asked, client, ctx| {
            let (status_code, why) = match asked {
                Ok(Ok(state)) => return client.await_decision(id, state, ctx),
                Ok(Err(error)) => (error.status_code(), error.to_string()),
                Err(_) => (503, "the server is shutting down".to_owned()),
            };
            client.asking_for_access = false;
            let refusal = json!({"requestId": id, "state": "COMPLETED", "statusCode": status_code, "message": why});
            ctx.text(refusal.to_string());
        }));
    }

    fn await_decision(&mut self, id: Option<String>, mut state: Value, ctx: &mut ws::WebsocketContext<Self>) {
        let known_as = state["requestId"].as_str().unwrap_or_default().to_owned();
        let id = id.unwrap_or_else(|| known_as.clone());
        state["requestId"] = id.as_str().into();
        ctx.text(state.to_string());
        let Some(mut changes) = self.stream.access.follow(&known_as) else {
            self.asking_for_access = false;
            return;
        };
        let decided = async move {
            loop {
                let state = changes.borrow_and_update().clone();
                if state["state"] != "PENDING" {
                    return Some(state);
                }
                if changes.changed().await.is_err() {
                    return None;
                }
            }
        };
        ctx.spawn(decided.into_actor(self).map(move |state, client, ctx| {
            client.asking_for_access = false;
            let Some(mut state) = state else { return };
            state["requestId"] = id.into();
            ctx.text(state.to_string());
            let token = state["accessRequest"]["token"].as_str();
            match token.map(|token| client.stream.security.authenticate(Some(token), SystemTime::now())) {
                Some(Ok(session)) => client.begin_session(session, ctx),
                Some(Err(error)) => log::warn!("the token of an approved access request is refused: {error}"),
                None => {}
            }
        }));
    }

    /// Looks at the rights again now and then, also when nothing is delivered.
    pub(super) fn recheck_now_and_then(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        ctx.run_interval(RECHECK, |client, ctx| {
            if !client.rights.may_write() {
                client.seat = None;
            }
            // Whoever waits for an admin's decision may go on waiting.
            if !client.rights.look_up() && !client.asking_for_access {
                client.expel(SECURITY_CONSTRAINT, ctx);
            }
        });
    }

    /// Whether something may be delivered. When the right to read is gone, the connection ends, unless an admin is still to decide about it.
    pub(super) fn still_may_read(&mut self, ctx: &mut ws::WebsocketContext<Self>) -> bool {
        let readable = self.rights.may_read();
        if !readable && !self.asking_for_access {
            self.expel(SECURITY_CONSTRAINT, ctx);
        }
        readable
    }

    /// Server events begin, for those who asked for them and may read.
    pub(super) fn listen_to_events(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        if !self.options.server_events || !self.rights.may_read() {
            return;
        }
        for event in self.stream.events.listen(ctx.address().recipient()) {
            self.pass_event_on(ServerEvent(event), ctx);
        }
        self.tell_login_status(ctx);
    }

    fn tell_login_status(&self, ctx: &mut ws::WebsocketContext<Self>) {
        if self.rights.is_open() {
            return;
        }
        let status = self.stream.security.login_status(&self.rights.principal());
        ctx.text(json!({"type": "RECEIVE_LOGIN_STATUS", "from": "signalk-server", "data": status}).to_string());
    }

    /// Those who are no admins see few kinds of events (SK-210). It is looked up for each event: who is an admin may change.
    pub(super) fn pass_event_on(&mut self, ServerEvent(text): ServerEvent, ctx: &mut ws::WebsocketContext<Self>) {
        let kind = text.strip_prefix("{\"type\":\"").and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let permitted = self.rights.may_read() && (PUBLIC_EVENTS.contains(&kind) || self.rights.is_admin());
        if permitted {
            ctx.text(text);
        }
    }

    /// The server's log is for admins (§5.10).
    pub(super) fn subscribe_to_log(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        if !self.rights.is_admin() {
            ctx.text(json!({"errorMessage": "Server log access requires admin permissions"}).to_string());
            return;
        }
        for row in self.stream.log.watch(ctx.address().recipient()) {
            ctx.text(row);
        }
    }
}

impl Handler<LogRow> for Client {
    type Result = ();

    fn handle(&mut self, LogRow(row): LogRow, ctx: &mut Self::Context) {
        if self.rights.is_admin() {
            ctx.text(row);
        } else {
            self.stream.log.leave(&ctx.address().recipient());
        }
    }
}

/// The reply to a login.
fn reply(id: Option<&str>, status_code: u16, message: Option<&str>, login: &Value) -> Value {
    let mut reply = Map::new();
    if let Some(id) = id {
        reply.insert("requestId".into(), id.into());
    }
    reply.insert("state".into(), "COMPLETED".into());
    reply.insert("statusCode".into(), status_code.into());
    if let Some(message) = message {
        reply.insert("message".into(), message.into());
    }
    reply.insert("login".into(), login.clone());
    reply.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_part_of_the_provider() {
        let of = |principal| provider_of(&principal).expect("a provider").id.as_str().to_owned();
        for (principal, expected) in [
            (Principal::User("skipper".into()), "ws.skipper"),
            (Principal::User("j.doe".into()), "ws.j_doe"),
            (Principal::Device("1234-abcd".into()), "ws.1234-abcd"),
            (Principal::User("constructor".into()), "ws"),
            (Principal::User("x".repeat(2000).into()), "ws"),
            (Principal::Anonymous, "ws"),
            (Principal::Anybody, "ws"),
        ] {
            assert_eq!(of(principal.clone()), expected, "{principal:?}");
        }
    }
}
