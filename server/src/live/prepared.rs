//! What of a change can fail is done before anything is saved.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::Conductor;
use super::form::invalid;
use super::running::Running;
use crate::listeners::{Port, Sockets};
use crate::settings::{BadSetting, TlsFiles};
use crate::tls::Tls;

/// What has been made ready for a change.
#[derive(Default)]
pub(super) struct Prepared {
    /// The port of plain HTTP, when it is another one.
    pub(super) plain: Option<Port>,
    /// That of TLS, when it is switched on or moved.
    pub(super) tls: Option<(Port, Tls)>,
    /// What the server will not do yet although it is saved, and why, in sentences: by setting, such as `interfaces.tcp`, or by what all
    /// of them begin with.
    pub(super) obstacles: BTreeMap<String, String>,
}

impl Prepared {
    /// Nothing of it is wanted.
    pub(super) fn give_back(self) {
        for port in self.plain.into_iter().chain(self.tls.map(|(port, _)| port)) {
            port.give_back();
        }
    }
}

impl Conductor {
    /// Makes ready what can fail.
    pub(super) async fn prepare(&self, next: &Running) -> Result<Prepared, BadSetting> {
        let (mut plain, mut tls) = (None, None);
        if next.port != self.running.port {
            plain = Some(bind(next, next.port, "/port")?);
        }
        if next.ssl && (!self.running.ssl || next.ssl_port != self.running.ssl_port) {
            let (directory, files, is_on) = (self.directory.clone(), self.tls.clone(), self.running.ssl);
            let certificates = blocking(move || certificates(&directory, &files, is_on)).await?;
            tls = Some((bind(next, next.ssl_port, "/sslport")?, certificates));
        }
        if next.raw_log.directory != self.running.raw_log.directory {
            let directory = next.raw_log.directory.clone();
            blocking(move || check_folder(&directory)).await?;
        }
        // Last, when nothing but saving can fail any more: whoever connects is answered from now on.
        let mut prepared = Prepared { obstacles: self.parts.outputs.obstacles(&next.outputs), ..Prepared::default() };
        let site = &self.parts.site;
        if let Some(sockets) = plain {
            let served = site.serve(sockets, None).await;
            prepared.plain = Some(served.map_err(|error| refused(next, next.port, "/port", &error))?);
        }
        if let Some((sockets, tls)) = tls {
            match site.serve(sockets, Some(tls.config.clone())).await {
                Ok(port) => prepared.tls = Some((port, tls)),
                Err(error) => {
                    prepared.give_back();
                    return Err(refused(next, next.ssl_port, "/sslport", &error));
                }
            }
        }
        Ok(prepared)
    }
}

fn bind(next: &Running, port: u16, pointer: &str) -> Result<Sockets, BadSetting> {
    Sockets::bind(&next.address(port)).map_err(|error| refused(next, port, pointer, &error))
}

/// Why a port can't be had.
fn refused(next: &Running, port: u16, pointer: &str, error: &io::Error) -> BadSetting {
    let address = next.address(port);
    let why = format!(
        "can't listen on {address}: {error}; nothing is saved. Choose another port, or end the program that uses it"
    );
    invalid("settings", pointer, &why)
}

/// Reads the certificates. TLS that can't be served is not switched on; where it is on already, something stands in, as at the start.
fn certificates(directory: &Path, files: &TlsFiles, is_on: bool) -> Result<Tls, BadSetting> {
    let (certificates, names) = files.certificates(directory);
    let loaded = if is_on {
        certificates.load_or_replace(directory, &names, SystemTime::now())
    } else {
        certificates.load(directory, &names, SystemTime::now())
    };
    loaded.map_err(|error| BadSetting(format!("SSL can't be switched on: {error}")))
}

/// Whether the log can go to a folder, which is made when it is not there.
fn check_folder(directory: &Path) -> Result<(), BadSetting> {
    let made = std::fs::create_dir_all(directory);
    made.and_then(|()| tempfile::tempfile_in(directory)).map(drop).map_err(|error| {
        let why = format!(
            "{} can't be written: {error}; name a folder in which the server may make files",
            directory.display()
        );
        invalid("settings", "/loggingDirectory", &why)
    })
}

/// Runs what waits for the disk where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BadSetting> + Send + 'static,
) -> Result<T, BadSetting> {
    let down = |_| BadSetting("the server is shutting down; nothing is saved".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(down)?
}
