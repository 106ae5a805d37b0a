//! A web server for tests: answers each connection the way the test says, and remembers what was asked.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

pub struct Web {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Web {
    /// Serves each connection on a thread of its own: `answer` gets the request, head and body, and writes what it likes.
    pub fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (remembered, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (remembered, answer) = (Arc::clone(&remembered), Arc::clone(&answer));
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    if let Some(request) = read(&mut stream) {
                        remembered.lock().unwrap().push(request.clone());
                        answer(&request, &mut stream);
                    }
                });
            }
        });
        Self { address, requests }
    }

    /// Answers everything with 200 and the request's first line.
    pub fn echo() -> Self {
        Self::serve(|request, stream| ok(stream, request.lines().next().unwrap_or_default()))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A whole request; `None` when the client went away.
fn read(stream: &mut TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse::<usize>())
            });
            if bytes.len() >= end + 4 + length.map_or(0, Result::unwrap) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(size) => bytes.extend_from_slice(&buffer[..size]),
        }
    }
}

pub fn ok(stream: &mut TcpStream, body: &str) {
    respond(stream, "200 OK", "", body);
}

/// Writes a response; `headers` are whole lines. A client that has gone is its own affair.
pub fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    let _ = stream.write_all((head + body).as_bytes());
}
