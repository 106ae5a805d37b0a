//! Keeps the server announced on the local network while it runs (signalk-v1 §12).

use std::fmt::Display;
use std::time::Duration;

use actix::ArbiterHandle;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use windlass_actors::data_model::ModelView;
use windlass_actors::discovery::{Announcer, Facts, Reach};
use windlass_actors::{StatusBoard, StatusKind, StatusSubject};

use crate::http::PROTOCOL_VERSION;
use crate::outputs::OutputReports;

/// How often it is looked whether something else is to be announced: an output that listens now, another name of the boat.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// The entry on the status board.
const NAME: &str = "mdns";

/// The announcement. It ends when it is stopped or dropped.
#[derive(Debug)]
pub struct Announcement {
    stop: watch::Sender<bool>,
    /// Its sender is dropped when everything is taken back.
    closed: watch::Receiver<()>,
}

/// What the server knows about itself.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The port of HTTP and the stream.
    pub port: u16,
    /// Whether that port speaks TLS.
    pub secure: bool,
    /// The outputs.
    pub outputs: OutputReports,
    /// The own ship.
    pub view: ModelView,
    /// Where problems are told.
    pub status: StatusBoard,
    /// Where it is announced.
    pub reach: Reach,
}

impl Announcement {
    /// Announces from now on.
    pub fn start(subject: Subject, arbiter: &ArbiterHandle) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (closing, closed) = watch::channel(());
        arbiter.spawn_fn(move || {
            actix::spawn(async move {
                announce(&subject, stopped).await;
                drop(closing);
            });
        });
        Self { stop, closed }
    }

    /// Takes the announcement back, and waits until others have been told.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut closed = self.closed.clone();
        while closed.changed().await.is_ok() {}
    }
}

/// Takes back from the status board what was said there about an announcement that has been stopped.
pub fn forget(status: &StatusBoard) {
    status.set(NAME, StatusSubject::Provider, StatusKind::Status, "");
}

impl Subject {
    fn facts(&self) -> Facts {
        let host_name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = self.view.own().root().attributes.get("name").and_then(|name| name.as_str().map(str::to_owned));
        Facts {
            host_name: host_name.trim().to_owned(),
            port: self.port,
            secure: self.secure,
            signalk_tcp: self.outputs.signalk_port(),
            nmea: self.outputs.nmea_port(),
            version: PROTOCOL_VERSION.to_owned(),
            own: self.view.identity().id().to_owned(),
            vessel_name: name,
        }
    }

    fn tell(&self, kind: StatusKind, text: &str) {
        self.status.set(NAME, StatusSubject::Provider, kind, text);
    }
}

async fn announce(subject: &Subject, stopped: watch::Receiver<bool>) {
    let mut announcer = Announcer::new(subject.reach);
    keep_announced(subject, BETWEEN_LOOKS, stopped, async |facts: &Facts| announcer.announce(facts).await).await;
    announcer.stop().await;
}

/// Announces what there is to be said, again and again: what does not work now, such as on a computer that has no network yet, may work
/// later.
async fn keep_announced<E: Display>(
    subject: &Subject,
    between: Duration,
    mut stopped: watch::Receiver<bool>,
    mut announce: impl AsyncFnMut(&Facts) -> Result<(), E>,
) {
    let mut looks = interval(between);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            _ = looks.tick() => match announce(&subject.facts()).await {
                Ok(()) => {
                    if std::mem::take(&mut failing) {
                        log::info!("the server is announced on the network again");
                    }
                    subject.tell(StatusKind::Status, "Announced on the network");
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        log::warn!("the server is not announced on the network: {error}. Trying again until it works.");
                    }
                    subject.tell(StatusKind::Error, &error.to_string());
                }
            },
            // An error is as good: the server has gone.
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use windlass_actors::data_model::Identity;
    use windlass_broker::Context;

    use super::*;

    #[tokio::test]
    async fn what_fails_is_tried_again() {
        let own = Context::new("vessels.urn:mrn:imo:mmsi:230099999").expect("a context");
        let subject = Subject {
            port: 3000,
            secure: false,
            outputs: OutputReports::default(),
            view: ModelView::new(Identity::new(own)),
            status: StatusBoard::default(),
            reach: Reach::Loopback,
        };
        let (stop, stopped) = watch::channel(false);
        let mut told = Vec::new();
        let mut tries = 0;
        keep_announced(&subject, Duration::from_millis(1), stopped, async |facts: &Facts| {
            told.extend(subject.status.get(NAME).map(|entry| (entry.kind, entry.message)));
            tries += 1;
            assert_eq!(facts.port, 3000);
            stop.send_replace(tries >= 4);
            if tries < 3 { Err("no network") } else { Ok(()) }
        })
        .await;
        let failed = (StatusKind::Error, "no network".to_owned());
        assert_eq!(told, [failed.clone(), failed, (StatusKind::Status, "Announced on the network".to_owned())]);
    }
}
