//! The connections with real sockets and files, a real broker, and a stand-in for the data model.

mod bus;
mod circles;
mod discovered;
mod listening;
mod looking;
mod managing;
mod others;
mod playing;
mod tcp;
mod writing;
