//! Logging by env_logger, with the reference server's `DEBUG` patterns understood too (wasm-plugin-abi §9), which can be changed while the
//! server runs, and with a window on the latest rows for the administration pages (server-admin-api §9).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use env_logger::{Builder, Logger};
use log::{Level, LevelFilter, Log, Metadata, Record};
use serde::{Deserialize, Serialize};
use windlass_actors::stream::ServerLog;

/// Longest `DEBUG` value.
const MAX_PATTERNS: usize = 1000;
/// Most targets that are remembered for [`Logging::keys`].
const MAX_KEYS: usize = 500;
/// Targets that one may want to see before they have said anything.
const KEYS: [&str; 8] = [
    "signalk:wasm",
    "windlass",
    "windlass::http",
    "windlass_actors::connections",
    "windlass_actors::plugins",
    "windlass_actors::stream",
    "windlass_broker",
    "windlass_security",
];

static LOGGING: OnceLock<Logging> = OnceLock::new();

/// The log of this process.
#[derive(Debug)]
pub struct Logging {
    logger: RwLock<Logger>,
    rows: ServerLog,
    chosen: Mutex<Chosen>,
    keys: Mutex<BTreeSet<String>>,
}

/// What is to be logged, apart from what `RUST_LOG` says.
#[derive(Debug, Clone, Default)]
struct Chosen {
    /// As in `DEBUG`.
    patterns: String,
    /// Absent until somebody chooses: then `RUST_LOG` counts, or [`LogLevel::Info`].
    level: Option<LogLevel>,
}

/// What a message of the server's own has to be at least to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What does not work.
    Error,
    /// What may soon not work.
    Warn,
    /// What goes on; the default.
    Info,
    /// What is of use to find a fault. Libraries stay at [`LogLevel::Info`]: they would say too much, and what they say of requests may be
    /// secret.
    Debug,
}

/// A `DEBUG` value that can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid debug value")]
pub struct BadPatterns;

/// Starts logging: `RUST_LOG` as env_logger reads it, and each namespace that a `DEBUG` pattern covers at debug level, such as
/// `DEBUG=signalk:wasm:*`. Namespaces are the log's targets.
pub fn start() {
    let debug = std::env::var("DEBUG").unwrap_or_default();
    let logging = logging();
    if logging.set_debug(&debug).is_err() {
        eprintln!(
            "windlass: the environment's DEBUG can't be used: it has more than {MAX_PATTERNS} characters or others than names have"
        );
    }
    // An error means that somebody else logs already, such as a test.
    let _ = log::set_logger(logging);
}

/// The log of this process; before [`start`] it says nothing.
pub fn logging() -> &'static Logging {
    LOGGING.get_or_init(|| Logging {
        logger: RwLock::new(build(&Chosen::default())),
        rows: ServerLog::default(),
        chosen: Mutex::default(),
        keys: Mutex::default(),
    })
}

impl Logging {
    /// The latest rows.
    pub fn rows(&self) -> &ServerLog {
        &self.rows
    }

    /// The patterns that hold now, as in `DEBUG`.
    pub fn debug(&self) -> String {
        self.chosen().patterns.clone()
    }

    /// Lets other patterns hold from now on; the empty text ends all debugging.
    ///
    /// # Errors
    /// They are too long, or not made of names, commas, stars and hyphens.
    pub fn set_debug(&self, patterns: &str) -> Result<(), BadPatterns> {
        let good = |c: char| c.is_ascii_alphanumeric() || ":*_-@/., ".contains(c);
        if patterns.len() > MAX_PATTERNS || !patterns.chars().all(good) {
            return Err(BadPatterns);
        }
        self.choose(|chosen| patterns.clone_into(&mut chosen.patterns));
        Ok(())
    }

    /// The level that holds now.
    pub fn level(&self) -> LogLevel {
        let chosen = self.chosen().level;
        chosen.unwrap_or_else(|| level_of(&std::env::var("RUST_LOG").unwrap_or_default()))
    }

    /// Lets another level hold from now on, whatever `RUST_LOG` says.
    pub fn set_level(&self, level: LogLevel) {
        self.choose(|chosen| chosen.level = Some(level));
    }

    fn choose(&self, change: impl FnOnce(&mut Chosen)) {
        // Held until the end, so that of two changes both hold.
        let mut chosen = self.chosen();
        change(&mut chosen);
        let logger = build(&chosen);
        let level = logger.filter();
        *self.logger.write().unwrap_or_else(PoisonError::into_inner) = logger;
        log::set_max_level(level);
    }

    fn chosen(&self) -> MutexGuard<'_, Chosen> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names that a pattern can be about: those that have been logged by, and some that are known.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        keys.extend(KEYS.map(str::to_owned));
        keys.into_iter().collect()
    }

    fn note(&self, target: &str) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() < MAX_KEYS && !keys.contains(target) {
            keys.insert(target.to_owned());
        }
    }
}

impl Log for Logging {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.logger.read().unwrap_or_else(PoisonError::into_inner).enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        let logger = self.logger.read().unwrap_or_else(PoisonError::into_inner);
        if !logger.matches(record) {
            return;
        }
        self.note(record.target());
        logger.log(record);
        drop(logger);
        let text = record.args().to_string();
        let row = format!("{} {}: {}", record.level(), record.target(), without_secrets(&text));
        self.rows.write(&row, record.level() == Level::Error);
    }

    fn flush(&self) {
        self.logger.read().unwrap_or_else(PoisonError::into_inner).flush();
    }
}

/// Targets of the server's own messages, plugins' included.
const OWN: [&str; 2] = ["windlass", "signalk"];

fn build(chosen: &Chosen) -> Logger {
    let mut builder = Builder::new();
    let least = chosen.level.map(LevelFilter::from);
    builder.filter_level(LevelFilter::Info);
    // Chatty libraries.
    for (target, level) in [("actix_server", LevelFilter::Warn), ("wasmer_wasix", LevelFilter::Error)] {
        builder.filter_module(target, least.map_or(level, |least| level.min(least)));
    }
    // The later wins: what was chosen while the server runs.
    if let Ok(filters) = std::env::var("RUST_LOG") {
        builder.parse_filters(&filters);
    }
    if let Some(least) = least {
        builder.filter_level(least.min(LevelFilter::Info));
        for target in OWN {
            builder.filter_module(target, least);
        }
    }
    for (target, level) in debug_filters(&chosen.patterns) {
        match target {
            Some(target) => builder.filter_module(&target, level),
            None => builder.filter_level(level),
        };
    }
    builder.format(|out, record| {
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        let style = out.default_level_style(record.level());
        let text = record.args().to_string();
        let text = without_secrets(&text);
        writeln!(out, "{time} {style}{:<5}{style:#} {}: {text}", record.level(), record.target())
    });
    builder.build()
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
        }
    }
}

/// The level of everything that `RUST_LOG` does not name.
fn level_of(filters: &str) -> LogLevel {
    let words = filters.split('/').next().unwrap_or_default().split(',');
    let mut levels = words.filter_map(|word| word.trim().parse::<LevelFilter>().ok());
    // The last one counts.
    match levels.next_back().unwrap_or(LevelFilter::Info) {
        LevelFilter::Off | LevelFilter::Error => LogLevel::Error,
        LevelFilter::Warn => LogLevel::Warn,
        LevelFilter::Info => LogLevel::Info,
        LevelFilter::Debug | LevelFilter::Trace => LogLevel::Debug,
    }
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

/// A text without the tokens that somebody may have put into a URL or a message: nobody should write them to the log, and this is for
/// when somebody does.
fn without_secrets(text: &str) -> Cow<'_, str> {
    /// How a JSON Web Token begins: `{"` in base64.
    const TOKEN: &str = "eyJ";
    /// Keys of URLs whose values are secret.
    const KEYS: [&str; 2] = ["token=", "password="];
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '%' | '+' | '~');
    let mut rest = text;
    let mut clean = String::new();
    while let Some((at, skip)) = [(TOKEN, 0), (KEYS[0], KEYS[0].len()), (KEYS[1], KEYS[1].len())]
        .iter()
        .filter_map(|(mark, skip)| rest.find(mark).map(|at| (at + skip, *skip)))
        // Of a token behind a key it counts that it is behind the key.
        .min_by_key(|(at, skip)| (*at, std::cmp::Reverse(*skip)))
    {
        let (before, secret) = rest.split_at(at);
        let end = secret.find(|c| !is_part(c)).unwrap_or(secret.len());
        let is_secret = skip > 0 || secret[..end].split('.').count() == 3;
        clean.push_str(before);
        clean.push_str(if is_secret && end > 0 { "…" } else { &secret[..end] });
        rest = &secret[end..];
    }
    if clean.is_empty() && rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unused() -> Logging {
        Logging {
            logger: RwLock::new(build(&Chosen::default())),
            rows: ServerLog::default(),
            chosen: Mutex::default(),
            keys: Mutex::default(),
        }
    }

    #[test]
    fn the_level_is_that_of_what_is_not_named() {
        for (filters, level) in [
            ("", LogLevel::Info),
            ("warn", LogLevel::Warn),
            ("windlass=debug", LogLevel::Info),
            ("windlass=debug, error/plugin", LogLevel::Error),
            ("trace", LogLevel::Debug),
        ] {
            assert_eq!(level_of(filters), level, "{filters}");
        }
    }

    #[test]
    fn a_level_holds_for_the_server_and_its_plugins_only() {
        let of = |patterns: &str, level| Chosen { patterns: patterns.to_owned(), level: Some(level) };
        let logged = |chosen: &Chosen, target: &str, level: Level| {
            build(chosen).matches(&Record::builder().target(target).level(level).build())
        };
        let debug = of("", LogLevel::Debug);
        for target in ["windlass::http", "windlass_actors::stream", "signalk:wasm:anchor"] {
            assert!(logged(&debug, target, Level::Debug), "{target}");
            assert!(!logged(&of("", LogLevel::Warn), target, Level::Info), "{target}");
            assert!(logged(&of("", LogLevel::Warn), target, Level::Warn), "{target}");
        }
        assert!(!logged(&debug, "hyper::proto", Level::Debug) && logged(&debug, "hyper::proto", Level::Info));
        assert!(!logged(&of("", LogLevel::Error), "actix_server", Level::Warn));
        let keyed = of("windlass::http", LogLevel::Error);
        assert!(logged(&keyed, "windlass::http", Level::Debug) && !logged(&keyed, "windlass::tls", Level::Warn));
    }

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

    #[test]
    fn tokens_never_reach_the_log() {
        // SK-152
        for (text, clean) in [
            ("nothing to hide", "nothing to hide"),
            (
                "GET /signalk/v1/stream?token=eyJhbGci.eyJpZCI6.c2ln-_&subscribe=none",
                "GET /signalk/v1/stream?token=…&subscribe=none",
            ),
            ("Bearer eyJhbGci.eyJpZCI6.c2ln-_, then eyJx.eyJy.z", "Bearer …, then …"),
            ("eyJ is no token, token= neither", "eyJ is no token, token= neither"),
            ("?password=p%20w", "?password=…"),
            ("?token=eyJopaque", "?token=…"),
        ] {
            assert_eq!(without_secrets(text), clean);
        }
    }

    #[test]
    fn patterns_are_checked() {
        let logging = unused();
        for bad in ["a\nb", "windlass=trace", &"x".repeat(1001)] {
            assert_eq!(logging.set_debug(bad), Err(BadPatterns), "{bad}");
        }
        assert!(logging.keys().contains(&"windlass::http".to_owned()));
    }
}
