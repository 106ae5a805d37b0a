//! Logging by env_logger, with the reference server's `DEBUG` patterns understood too (wasm-plugin-abi §9).

use std::io::Write;

use env_logger::Builder;
use log::LevelFilter;

/// Starts logging: `RUST_LOG` as env_logger reads it, and each namespace that a `DEBUG` pattern covers at debug level, such as
/// `DEBUG=signalk:wasm:*`. Namespaces are the log's targets.
pub fn start() {
    let mut builder = Builder::new();
    builder.filter_level(LevelFilter::Info);
    // Chatty libraries.
    for (target, level) in [("actix_server", LevelFilter::Warn), ("wasmer_wasix", LevelFilter::Error)] {
        builder.filter_module(target, level);
    }
    if let Ok(patterns) = std::env::var("DEBUG") {
        for (target, level) in debug_filters(&patterns) {
            match target {
                Some(target) => builder.filter_module(&target, level),
                None => builder.filter_level(level),
            };
        }
    }
    if let Ok(filters) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filters);
    }
    builder.format(|out, record| {
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        let style = out.default_level_style(record.level());
        writeln!(out, "{time} {style}{:<5}{style:#} {}: {}", record.level(), record.target(), record.args())
    });
    builder.init();
}

/// The targets and levels of a `DEBUG` value: patterns divided by commas or spaces, `*` at the end for a prefix, `-` to exclude.
/// `None` is every target.
fn debug_filters(patterns: &str) -> Vec<(Option<String>, LevelFilter)> {
    let words = patterns.split([',', ' ']).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let (name, level) = match word.strip_prefix('-') {
                Some(name) => (name, LevelFilter::Info),
                None => (word, LevelFilter::Debug),
            };
            // env_logger's filters cover every target that starts with them, so a trailing star says the same.
            let prefix = name.split('*').next().unwrap_or_default().trim_end_matches(':');
            ((!prefix.is_empty()).then(|| prefix.to_owned()), level)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_patterns_become_filters() {
        let debug = |name: &str| (Some(name.to_owned()), LevelFilter::Debug);
        assert_eq!(
            debug_filters("signalk:wasm:*, signalk:streams,-signalk:wasm:plugin:x"),
            [
                debug("signalk:wasm"),
                debug("signalk:streams"),
                (Some("signalk:wasm:plugin:x".into()), LevelFilter::Info)
            ]
        );
        assert_eq!(debug_filters("*"), [(None, LevelFilter::Debug)]);
    }
}
