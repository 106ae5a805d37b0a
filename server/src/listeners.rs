//! The ports of HTTP and TLS. Each has a server of its own, so that one can be moved while the other goes on, and a port that is left keeps
//! whom it has.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use actix::Actor;
use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::middleware::{Compress, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer};
use futures_util::future::join_all;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
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
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// What all ports serve. Clones share.
#[derive(Clone)]
pub struct Site {
    state: AppState,
    workers: usize,
    /// Threads so far, for their names.
    threads: Arc<AtomicUsize>,
}

/// The sockets of a port that is taken: one for each address of its host. Who connects waits until it is served. When they and those that
/// serve them are dropped, the port is free again.
#[derive(Debug)]
pub struct Sockets(Vec<TcpListener>);

/// What is taken at the start, before anything else can have it.
#[derive(Debug)]
pub struct Reserved {
    plain: Sockets,
    tls: Option<Sockets>,
}

/// A port that is served.
pub struct Port {
    handle: ServerHandle,
    /// The same as the server has, for the one after it.
    sockets: Sockets,
    addresses: Vec<SocketAddr>,
}

/// The ports that are served now.
pub struct Listeners {
    plain: Port,
    tls: Option<Port>,
}

impl Sockets {
    /// Takes the port of an address, such as `127.0.0.1:3000`; 0 takes any free one.
    ///
    /// # Errors
    /// It is taken or not allowed at all addresses that the host has.
    pub fn bind(address: &str) -> io::Result<Self> {
        let mut sockets = Vec::new();
        let mut failed = io::Error::other("the host has no address");
        for address in address.to_socket_addrs()? {
            match listen(address) {
                Ok(socket) => sockets.push(socket),
                Err(error) => failed = error,
            }
        }
        if sockets.is_empty() { Err(failed) } else { Ok(Self(sockets)) }
    }

    /// Handles of the same sockets.
    fn again(&self) -> io::Result<Self> {
        self.0.iter().map(TcpListener::try_clone).collect::<io::Result<_>>().map(Self)
    }

    fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.0.iter().map(TcpListener::local_addr).collect()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of the server before may not have been forgotten yet. (On Windows it would mean to share the port.)
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    // As elsewhere: `::` is also for clients that have IPv4 only.
    #[cfg(windows)]
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Reserved {
    /// Takes the ports.
    ///
    /// # Errors
    /// One of them is taken or not allowed.
    pub fn take(running: &Running) -> Result<Self, StartError> {
        let address = running.address(running.port);
        let plain = Sockets::bind(&address).map_err(|source| StartError::Listen { address, source })?;
        let mut tls = None;
        if running.ssl {
            let address = running.address(running.ssl_port);
            tls = Some(Sockets::bind(&address).map_err(|source| StartError::ListenTls { address, source })?);
        }
        Ok(Self { plain, tls })
    }
}

impl Site {
    /// A site that is served by so many threads a port; 0 takes one a processor.
    pub fn new(state: AppState, workers: usize) -> Self {
        Self { state, workers, threads: Arc::default() }
    }

    /// Serves a port from now on, as long as the present thread lives; with a configuration of TLS, by that.
    ///
    /// # Errors
    /// The system has no threads or sockets left for it.
    pub async fn serve(&self, sockets: Sockets, tls: Option<ServerConfig>) -> io::Result<Port> {
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
        for socket in sockets.again()?.0 {
            server = match &tls {
                Some(config) => server.listen_rustls_0_23(socket, config.clone())?,
                None => server.listen(socket)?,
            };
        }
        Port::start(server.run(), sockets).await
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

impl Port {
    /// Has a server serve its sockets. Its threads are there when this returns.
    async fn start(mut server: Server, sockets: Sockets) -> io::Result<Self> {
        let addresses = sockets.addresses()?;
        let handle = server.handle();
        // It begins when it is looked at, and tells at once what keeps it from that.
        if let Poll::Ready(ended) = futures_util::poll!(&mut server) {
            return Err(ended.err().unwrap_or_else(|| io::Error::other("the HTTP server has ended")));
        }
        actix::spawn(async move {
            if let Err(error) = server.await {
                log::error!("the HTTP server ended: {error}");
            }
        });
        Ok(Self { handle, sockets, addresses })
    }

    /// The port; of several addresses they all have the same, unless it was any free one.
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// Gives it back at once: it is not wanted after all.
    pub fn give_back(self) {
        actix::spawn(self.handle.stop(false));
    }

    /// Nobody can connect to this server any more; to `next` instead. Requests under way are answered, and streams go on for an hour at
    /// most.
    fn leave(self, next: Option<&Self>) {
        let Self { handle, addresses, .. } = self;
        let is_same = next.is_some_and(|next| next.addresses == addresses);
        let addresses = addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(" and ");
        if is_same {
            log::info!("who is connected to {addresses} already has to connect anew within an hour");
        } else {
            log::info!("no longer listening on {addresses}");
        }
        let stopped = handle.stop(true);
        actix::spawn(async move {
            stopped.await;
            log::info!("the last former connection to {addresses} has ended");
        });
    }
}

impl Listeners {
    /// Serves the ports of the start, and says in `served` where TLS is.
    ///
    /// # Errors
    /// The system has no threads or sockets left for them.
    pub async fn open(
        site: &Site,
        reserved: Reserved,
        running: &Running,
        tls: Option<Tls>,
        served: &ServedTls,
    ) -> Result<Self, StartError> {
        let mut secure = None;
        if let (Some(sockets), Some(Tls { config, root, .. })) = (reserved.tls, tls) {
            let address = running.address(running.ssl_port);
            let port = site.serve(sockets, Some(config)).await;
            let port = port.map_err(|source| StartError::ListenTls { address, source })?;
            served.set(Some(TlsService { port: port.port(), root: root.map(Arc::from) }));
            secure = Some(port);
        }
        let address = running.address(running.port);
        let plain = site.serve(reserved.plain, None).await;
        let plain = plain.map_err(|source| StartError::Listen { address, source })?;
        Ok(Self { plain, tls: secure })
    }

    /// Serves another port instead of the present one.
    pub fn move_plain(&mut self, to: Port) {
        std::mem::replace(&mut self.plain, to).leave(Some(&self.plain));
    }

    /// Has a new server take over the port of plain HTTP. Who connects meanwhile waits; who is connected already goes within an hour.
    ///
    /// # Errors
    /// The system has no threads or sockets left for it; everything stays as it was.
    pub async fn renew_plain(&mut self, site: &Site) -> io::Result<()> {
        let next = site.serve(self.plain.sockets.again()?, None).await?;
        self.move_plain(next);
        Ok(())
    }

    /// Serves TLS on another port instead of the present one, if there is one; or does not serve it any more.
    pub fn move_tls(&mut self, to: Option<Port>) {
        if let Some(former) = std::mem::replace(&mut self.tls, to) {
            former.leave(self.tls.as_ref());
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
    pub async fn stop(self) {
        let ports = std::iter::once(self.plain).chain(self.tls);
        // Its sockets go with it.
        let stopped = ports.map(|Port { handle, .. }| handle.stop(true));
        // An error says that somebody did not end in time; the process does.
        let _ = timeout(SHUTDOWN, join_all(stopped)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_server_that_can_not_begin_is_no_port() {
        let reach = |address| std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
        for works in [false, true] {
            let sockets = Sockets::bind("127.0.0.1:0").expect("a port is free");
            let address = sockets.addresses().expect("it is bound")[0];
            let app = move || App::new().data_factory(move || async move { works.then_some(()).ok_or("no") });
            let server = HttpServer::new(app).workers(1).disable_signals();
            let server = server.listen(sockets.again().expect("a handle").0.remove(0)).expect("it is heard");
            let port = Port::start(server.run(), sockets).await;
            assert_eq!((port.is_ok(), reach(address)), (works, works));
            if let Ok(port) = port {
                assert_eq!(port.port(), address.port());
                port.handle.stop(false).await;
                assert!(reach(address), "the port is still held, for another server");
                drop(port);
                assert!(!reach(address), "and is given back with it");
            }
        }
    }
}
