//! Binary streams to clients: radar spokes, sonar, anything that is too much for deltas (ABI specification §4.5).

use crate::{Error, sys};

/// Sends a frame to the clients of a stream. `plugins/<plugin id>/…` needs no capability, `radars/<radar id>` needs
/// `radarProvider`. Success means that the server took it, not that a client got it.
///
/// # Errors
/// When the server refuses the stream or the frame is too large.
///
/// ```
/// use windlass_plugin::{stream, testing::MockHost};
///
/// let server = MockHost::new();
/// stream::emit("plugins/my-sonar/echoes", &[1, 2, 3]).unwrap();
/// assert_eq!(server.frames(), [("plugins/my-sonar/echoes".to_owned(), vec![1, 2, 3])]);
/// ```
pub fn emit(stream: &str, frame: &[u8]) -> Result<(), Error> {
    accepted(sys::emit_binary_stream(stream, frame), || {
        Error::refused(format!("a frame for the stream {stream}"), None)
    })
}

/// Sends a frame of spokes to the clients of one of the plugin's radars (capability `radarProvider`).
///
/// # Errors
/// When the server refuses: the radar is none of the plugin's, or the capability is missing.
pub fn emit_spokes(radar: &str, frame: &[u8]) -> Result<(), Error> {
    accepted(sys::radar_emit_spokes(radar, frame), || {
        Error::refused(format!("spokes of the radar {radar}"), Some("radarProvider"))
    })
}

pub(crate) fn accepted(answer: i32, error: impl FnOnce() -> Error) -> Result<(), Error> {
    if answer == 1 { Ok(()) } else { Err(error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MockHost;

    #[test]
    fn spokes_need_the_capability() {
        // ABI-74
        let server = MockHost::new();
        let refused = emit_spokes("radar-1", &[0]).unwrap_err().to_string();
        assert!(refused.contains("radarProvider"), "{refused}");
        server.grant("radarProvider");
        emit_spokes("radar-1", &[0; 512]).unwrap();
        assert_eq!(server.frames()[0], ("radars/radar-1".to_owned(), vec![0; 512]));
    }
}
