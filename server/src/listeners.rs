//! The ports of HTTP and TLS. Each has a server of its own, so that one can be moved while the other goes on, and a port that is left keeps
//! whom it has.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use actix::Actor;
use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::middleware::{Compress, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer};
use futures_util::future::join_all;
use rustls::ServerConfig;
use tokio::time::timeout;
use windlass_actors::stream::Hub;

use crate::StartError;
use crate::http::{self, AppState, Cors, ServedTls, TlsService, auth, note_access};
use crate::live::Running;
use crate::tls::Tls;

/// A connection over TLS, as the listener hands it over.
type TlsStream = actix_tls::accept::rustls_0_23::TlsStream<TcpStream>;

/// How long open connections may take to end when the server stops.
const SHUTDOWN: Duration = Duration::from_secs(1);
/// How long the streams of a port that was left may go on, in seconds: displays that know only that one stay until somebody has told them
/// the new one.
const FAREWELL: u64 = 3600;

/// What all ports serve. Clones share.
#[derive(Clone)]
pub struct Site {
    state: AppState,
    workers: usize,
    /// Threads so far, for their names.
    threads: Arc<AtomicUsize>,
}

/// A port that is taken, and served by nobody yet: who connects waits. Dropping it gives the port back.
pub struct Bound {
    server: Server,
    addresses: Vec<SocketAddr>,
}

/// A port that is served.
pub struct Port {
    handle: ServerHandle,
    addresses: Vec<SocketAddr>,
}

/// The ports that are served now.
pub struct Listeners {
    plain: Port,
    tls: Option<Port>,
}

impl Site {
    /// A site that is served by so many threads a port; 0 takes one a processor.
    pub fn new(state: AppState, workers: usize) -> Self {
        Self { state, workers, threads: Arc::default() }
    }

    /// Takes the port of an address, such as `127.0.0.1:3000`; 0 takes any free one. With a configuration of TLS it is for that.
    ///
    /// # Errors
    /// It is taken or not allowed.
    pub fn bind(&self, address: &str, tls: Option<ServerConfig>) -> io::Result<Bound> {
        let (state, threads) = (self.state.clone(), self.threads.clone());
        let cors = Cors::new(state.security.clone());
        let mut server = HttpServer::new(move || {
            // Runs on each worker's own thread: the hub and the clients of the worker share it.
            let observatory = &state.stream.observatory;
            observatory.watch_thread(|| format!("worker {}", threads.fetch_add(1, Relaxed)));
            let hub = Hub::new(state.broker.clone()).observed_by(observatory).start();
            App::new()
                .wrap(from_fn(auth::guard))
                .wrap(Compress::default())
                .wrap(cors.clone())
                .wrap(from_fn(note_access))
                .configure(http::configure(state.clone(), hub))
        })
        .on_connect(|connection, extensions| {
            let stream = connection
                .downcast_ref::<TcpStream>()
                .or_else(|| connection.downcast_ref::<TlsStream>().map(|stream| stream.get_ref().0));
            if let Some(stream) = stream {
                prepare(stream, extensions);
            }
        })
        .disable_signals()
        .shutdown_timeout(FAREWELL);
        if self.workers > 0 {
            server = server.workers(self.workers);
        }
        let server = match tls {
            Some(config) => server.bind_rustls_0_23(address, config)?,
            None => server.bind(address)?,
        };
        Ok(Bound { addresses: server.addrs(), server: server.run() })
    }
}

fn prepare(stream: &TcpStream, extensions: &mut Extensions) {
    // A frame leaves when it is written: waiting for company costs 40 ms and most of the throughput.
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("TCP_NODELAY could not be set: {error}");
    }
    // A handle of its own, to end a connection whose client does not read.
    match socket2::SockRef::from(stream).try_clone() {
        Ok(socket) => drop(extensions.insert(Arc::new(socket))),
        Err(error) => {
            log::warn!("no second handle of a connection could be made: {error}; raise the limit of open files")
        }
    }
}

impl Bound {
    /// Serves it from now on, as long as the present thread lives.
    pub fn serve(self) -> Port {
        let Self { server, addresses } = self;
        let handle = server.handle();
        actix::spawn(async move {
            if let Err(error) = server.await {
                log::error!("the HTTP server ended: {error}");
            }
        });
        Port { handle, addresses }
    }

    /// The port; of several addresses they all have the same, unless it was any free one.
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }
}

impl Port {
    /// Nobody can connect any more. Requests under way are answered, and streams go on for an hour at most.
    fn leave(self) {
        let addresses = self.addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(" and ");
        log::info!("no longer listening on {addresses}");
        actix::spawn(async move {
            self.handle.stop(true).await;
            log::info!("the last connection to {addresses} has ended");
        });
    }
}

impl Listeners {
    /// Takes and serves the ports of the start, and says in `served` where TLS is.
    ///
    /// # Errors
    /// One of them is taken or not allowed.
    pub fn open(site: &Site, running: &Running, tls: Option<Tls>, served: &ServedTls) -> Result<Self, StartError> {
        let address = running.address(running.port);
        let plain = site.bind(&address, None).map_err(|source| StartError::Listen { address, source })?;
        let mut secure = None;
        if let Some(Tls { config, root, .. }) = tls {
            let address = running.address(running.ssl_port);
            let bound =
                site.bind(&address, Some(config)).map_err(|source| StartError::ListenTls { address, source })?;
            served.set(Some(TlsService { port: bound.port(), root: root.map(Arc::from) }));
            secure = Some(bound);
        }
        Ok(Self { plain: plain.serve(), tls: secure.map(Bound::serve) })
    }

    /// Serves another port instead of the present one.
    pub fn move_plain(&mut self, to: Bound) {
        std::mem::replace(&mut self.plain, to.serve()).leave();
    }

    /// Serves TLS on another port instead of the present one, if there is one; or does not serve it any more.
    pub fn move_tls(&mut self, to: Option<Bound>) {
        if let Some(former) = std::mem::replace(&mut self.tls, to.map(Bound::serve)) {
            former.leave();
        }
    }

    /// Where it listens, with the scheme of each.
    pub fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        let of = |scheme, port: &Port| port.addresses.iter().map(move |address| (scheme, *address)).collect::<Vec<_>>();
        let mut addresses = of("http", &self.plain);
        addresses.extend(self.tls.iter().flat_map(|tls| of("https", tls)));
        addresses
    }

    /// Closes all ports. Requests under way have a second to be answered.
    pub async fn stop(&self) {
        let ports = std::iter::once(&self.plain).chain(&self.tls);
        // An error says that somebody did not end in time; the process does.
        let _ = timeout(SHUTDOWN, join_all(ports.map(|port| port.handle.stop(true)))).await;
    }
}
