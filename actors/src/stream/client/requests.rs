//! PUT, DELETE and queries of a client, and what it replies to those it was handed (signalk-v1 §6.3, §6.5).

use std::time::SystemTime;

use actix::prelude::*;
use actix_web_actors::ws;
use serde_json::{Value, json};
use windlass_broker::RawJson;
use windlass_security::Principal;

use super::Client;
use crate::put::{Asker, DeleteRequest, PutForward, PutRequest, RequestChanged, RequestFrom};

/// PUT requests of a client that may be without a first answer at once.
const MAX_OPEN: usize = 100;
/// Longest id of a request that is kept.
const MAX_ID: usize = 256;
const FOREIGN_PAGE: &str = "a page of another origin may not change anything; use the pages of this server, or name the origin in allowedCorsOrigins";
/// The context of a request that names none.
const OWN: &str = "vessels.self";

/// The keys of a message that are acted on after a login in the same message.
pub(super) struct Later {
    /// `requestId`
    pub(super) id: Option<String>,
    pub(super) context: Option<Value>,
    pub(super) put: Option<Value>,
    pub(super) delete: Option<Value>,
    pub(super) query: bool,
}

impl Client {
    pub(super) fn do_later(&mut self, later: Later, ctx: &mut ws::WebsocketContext<Self>) {
        let Later { id, context, put, delete, query } = later;
        if let Some(put) = put {
            self.put(id.clone(), context.as_ref(), &put, ctx);
        }
        if let Some(delete) = delete {
            self.delete(id.clone(), context.as_ref(), &delete, ctx);
        }
        if query && let Some(id) = id {
            self.query(&id, ctx);
        }
    }

    /// A list of one value is taken for that value, as the server itself sends them; each further value needs a request of its own.
    fn put(&mut self, id: Option<String>, context: Option<&Value>, put: &Value, ctx: &mut ws::WebsocketContext<Self>) {
        let Some(from) = self.request(id, ctx) else { return };
        let puts = self.stream.puts.clone();
        if self.options.only_reads {
            puts.refuse(&from, 403, FOREIGN_PAGE);
            return;
        }
        let put = match put {
            Value::Array(one) if one.len() == 1 => &one[0],
            Value::Array(_) => {
                puts.refuse(&from, 502, "a request changes one value; send a request for each");
                return;
            }
            put => put,
        };
        let Some(path) = put.get("path").and_then(Value::as_str).filter(|path| !path.is_empty()) else {
            puts.refuse(&from, 400, "put needs a path");
            return;
        };
        let Some(value) = put.get("value") else {
            puts.refuse(&from, 400, "input is missing a value");
            return;
        };
        let request = PutRequest {
            from,
            context: context_of(context),
            path: path.to_owned(),
            value: RawJson::of(value),
            source: put.get("source").and_then(Value::as_str).map(str::to_owned),
        };
        // Every state comes as a message of its own, the first one too. It is carried out also when the client has gone.
        let under_way = self.under_way.clone();
        under_way.set(under_way.get() + 1);
        actix::spawn(async move {
            puts.put(request).await;
            under_way.set(under_way.get() - 1);
        });
    }

    fn delete(
        &mut self,
        id: Option<String>,
        context: Option<&Value>,
        delete: &Value,
        ctx: &mut ws::WebsocketContext<Self>,
    ) {
        let Some(from) = self.request(id, ctx) else { return };
        match delete.get("path").and_then(Value::as_str).filter(|path| !path.is_empty()) {
            _ if self.options.only_reads => drop(self.stream.puts.refuse(&from, 403, FOREIGN_PAGE)),
            Some(path) => {
                let (context, path) = (context_of(context), path.to_owned());
                self.stream.puts.delete(DeleteRequest { from, context, path });
            }
            None => drop(self.stream.puts.refuse(&from, 400, "delete needs a path")),
        }
    }

    /// A request of this client, unless it has too many under way.
    fn request(&mut self, id: Option<String>, ctx: &mut ws::WebsocketContext<Self>) -> Option<RequestFrom> {
        let too_long = id.as_ref().is_some_and(|id| id.len() > MAX_ID);
        if too_long || self.under_way.get() >= MAX_OPEN {
            let (status_code, why) = if too_long {
                (400, "the requestId is too long")
            } else {
                (503, "too many requests of this connection are under way; wait for their answers")
            };
            let id = id.filter(|_| !too_long);
            let answer = json!({"requestId": id, "state": "COMPLETED", "statusCode": status_code, "message": why});
            ctx.text(answer.to_string());
            return None;
        }
        let watcher = Some(ctx.address().recipient::<RequestChanged>());
        let only_reads = self.options.only_reads;
        Some(RequestFrom { session: self.rights.session(), request_id: id, only_reads, watcher })
    }

    fn query(&self, id: &str, ctx: &mut ws::WebsocketContext<Self>) {
        let principal = self.rights.principal();
        // Whoever has no token asks as often as they may by HTTP.
        let is_named = !matches!(principal, Principal::Anonymous | Principal::Nobody);
        if !is_named && self.stream.access_limit.take(self.address, SystemTime::now()).is_err() {
            let message = "Too many requests from this IP, please try again later";
            return ctx.text(json!({"requestId": id, "statusCode": 429, "message": message}).to_string());
        }
        let asker = Asker { principal: &principal, is_admin: self.rights.is_admin() };
        let known = self.stream.puts.requests().get(id, asker).map(|status| json!(status));
        let status = known.or_else(|| self.stream.access.state(id));
        ctx.text(status.unwrap_or_else(|| json!({"requestId": id, "statusCode": 404})).to_string());
    }

    /// What the client says about a PUT that it was handed.
    pub(super) fn take_reply(&mut self, id: &str, reply: &Value) {
        let taken = self.rights.may_write() && self.seat.as_ref().is_some_and(|seat| seat.reply(id, reply));
        if !taken {
            self.complain(format_args!("a reply to a request that this client was not handed"), "");
        }
    }
}

impl Handler<RequestChanged> for Client {
    type Result = ();

    fn handle(&mut self, RequestChanged(status): RequestChanged, ctx: &mut Self::Context) {
        ctx.text(json!(status).to_string());
    }
}

impl Handler<PutForward> for Client {
    type Result = ();

    fn handle(&mut self, PutForward { id, path, value }: PutForward, ctx: &mut Self::Context) {
        if !self.rights.may_write() {
            // It feeds nothing any more; the request is answered for it.
            self.seat = None;
            return;
        }
        // The value goes as the text that it is: it may be nested deeper than a tree of values can be built for.
        let (id, path) = (Value::from(id), Value::from(path));
        ctx.text(format!(r#"{{"requestId":{id},"context":"{OWN}","put":[{{"path":{path},"value":{value}}}]}}"#));
    }
}

fn context_of(context: Option<&Value>) -> String {
    match context.and_then(Value::as_str) {
        None | Some("self") => OWN.to_owned(),
        Some(context) => context.to_owned(),
    }
}
