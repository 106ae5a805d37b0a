//! Consent, limits, the log and the figures of plugins.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::limits::PluginOverride;
use super::super::{CallTarget, LogSource, PluginError};
use super::guest::GuestSource;
use super::server::{Server, delta, patiently, read_json};

fn enabled() -> Value {
    json!({"enabled": true, "configuration": {}})
}

fn asks(capabilities: Value) -> Value {
    json!({"version": "2.0.0", "wasmCapabilities": capabilities})
}

#[actix::test]
async fn an_upgrade_that_asks_for_more_waits_for_consent() {
    let server = Server::new().await;
    server.install("plugin", &GuestSource::new(), asks(json!({"putHandlers": true})));
    server.configure("plugin", enabled());
    let manager = server.manager();
    let status = server.until_state(&manager, "plugin", "running").await;
    assert_eq!((&status["consented"]["putHandlers"], &status["missingConsent"]), (&json!(true), &json!([])));
    let file = server.directory.path().join("plugin-consents.json");
    assert_eq!(read_json(&file)["plugin"]["capabilities"]["putHandlers"], true);
    manager.stop_all().await;

    // Upgraded while the server was off.
    server.install("plugin", &GuestSource::new(), asks(json!({"putHandlers": true, "resourceProvider": true})));
    let manager = server.manager();
    let status = server.until_state(&manager, "plugin", "error").await;
    let text = status["statusMessage"].as_str().expect("a text");
    assert!(text.contains("resourceProvider") && text.contains("/@consent"), "{text}");
    assert_eq!(status["missingConsent"], json!(["resourceProvider"]));
    assert!(manager.awaits_consent("plugin") && !manager.awaits_consent("none"));
    // Enabling it again, or restarting it, is no consent.
    for refused in [
        manager.set_enabled("plugin", true).await,
        manager.save_config("plugin", json!({"enabled": true})).await,
        manager.restart("plugin").await,
    ] {
        assert!(
            matches!(&refused, Err(PluginError::ConsentNeeded(text)) if text.contains("resourceProvider")),
            "{refused:?}"
        );
    }
    assert_eq!(manager.consent("plugin").await, Ok(()));
    assert!(!manager.awaits_consent("plugin"));
    let status = manager.status("plugin").await.expect("a plugin");
    assert_eq!((&status["state"], &status["missingConsent"]), (&json!("running"), &json!([])), "{status}");

    // Upgraded while it runs: what runs is left alone until there is consent.
    let mut wider = asks(json!({"putHandlers": true, "radarProvider": true}));
    wider["version"] = json!("3.0.0");
    server.install("plugin", &GuestSource::new().text("name", "Wider"), wider);
    for _ in 0..2 {
        let refused = manager.reload("plugin").await;
        assert!(
            matches!(&refused, Err(PluginError::ConsentNeeded(text)) if text.contains("radarProvider")),
            "{refused:?}"
        );
        let status = manager.status("plugin").await.expect("a plugin");
        assert_eq!((&status["state"], &status["version"]), (&json!("running"), &json!("2.0.0")), "{status}");
        assert_eq!(
            (&status["pendingVersion"], &status["missingConsent"]),
            (&json!("3.0.0"), &json!(["radarProvider"])),
            "{status}"
        );
        assert!(status["statusMessage"].as_str().is_some_and(|text| text.contains("radarProvider")), "{status}");
        assert!(manager.awaits_consent("plugin"));
        assert_eq!(manager.restart("plugin").await, Ok(()), "the same one again");
    }
    assert_eq!(manager.consent("plugin").await, Ok(()));
    let status = manager.status("plugin").await.expect("a plugin");
    assert_eq!((&status["state"], &status["version"]), (&json!("running"), &json!("3.0.0")), "{status}");
    assert_eq!((&status["pendingVersion"], &status["missingConsent"]), (&Value::Null, &json!([])), "{status}");
    assert_eq!(manager.info("plugin").await.expect("a plugin")["name"], "Wider");

    // Consent can come with the settings as well.
    let wider = asks(json!({"putHandlers": true, "radarProvider": true, "weatherProvider": true}));
    server.install("plugin", &GuestSource::new(), wider);
    assert!(matches!(manager.reload("plugin").await, Err(PluginError::ConsentNeeded(_))));
    let saved = manager.save_config("plugin", json!({"enabled": true, "consent": true})).await;
    assert_eq!(saved, Ok(()));
    assert_eq!(manager.status("plugin").await.expect("a plugin")["state"], "running");
    assert_eq!(server.saved("plugin").get("consent"), None);
    assert_eq!(read_json(&file)["plugin"]["capabilities"]["weatherProvider"], true);
    assert_eq!(manager.info("plugin").await.expect("a plugin")["name"], "Probe");
    // Less needs no consent.
    server.install("plugin", &GuestSource::new(), asks(json!({})));
    assert_eq!(manager.reload("plugin").await, Ok(()));
    manager.stop_all().await;
}

#[actix::test]
async fn emitting_too_fast_is_bounded_and_counted() {
    let mut server = Server::new().await;
    let own = json!({"emittedDeltasPerSecond": 10}).as_object().cloned().expect("an object");
    let own = PluginOverride { limits: own, ..PluginOverride::default() };
    server.settings.overrides.insert("flooding".into(), own);
    let guest = GuestSource::new().report("n", "test.n").text("one", "1").start(
        r#"(loop $again
             (call $report @n @one)
             (global.set $count (i32.add (global.get $count) (i32.const 1)))
             (br_if $again (i32.lt_u (global.get $count) (i32.const 100))))
           (i32.const 0)"#,
    );
    for id in ["flooding", "unbound"] {
        server.install(id, &guest, json!({}));
        server.configure(id, enabled());
    }
    let manager = server.manager();
    server.until_state(&manager, "unbound", "running").await;
    let status = server.until_state(&manager, "flooding", "running").await;
    // Two seconds' worth at once; on a slow machine a few more come in while it runs.
    let refused = status["refusedDeltas"].as_u64().expect("a number");
    assert!((60..=80).contains(&refused), "{status}");
    let row = &status["limits"]["emittedDeltasPerSecond"];
    assert_eq!((&row["limit"], &row["exceeded"]), (&json!(10), &json!(refused)));
    assert_eq!(status["refusedDeltasByReason"], json!({"invalid": 0, "flood": 0, "rate": refused}));
    assert!(status["notices"][0].as_str().is_some_and(|text| text.contains("10 deltas a second")), "{status}");
    let updates = server.updates("test.n", 100 + 100 - refused as usize).await;
    assert_eq!(updates.iter().filter(|(source, _)| source == "unbound").count(), 100);
    manager.stop_all().await;
}

#[actix::test]
async fn what_put_handlers_publish_counts_as_emitted() {
    let mut server = Server::new().await;
    let own = json!({"emittedDeltasPerSecond": 5}).as_object().cloned().expect("an object");
    server.settings.overrides.insert("eager".into(), PluginOverride { limits: own, ..PluginOverride::default() });
    // Each of test.a, test.b, … twice.
    let guest = GuestSource::new().text("self", "vessels.self").text("path", "test.?").start(
        r#"(loop $again
             (i32.store8 (i32.sub (i32.add @path) (i32.const 1)) (i32.add (i32.const 97) (global.get $count)))
             (if (call $put @self @path) (then (drop (call $put @self @path))))
             (global.set $count (i32.add (global.get $count) (i32.const 1)))
             (br_if $again (i32.lt_u (global.get $count) (i32.const 26))))
           (i32.const 0)"#,
    );
    server.install("eager", &guest, json!({"wasmCapabilities": {"putHandlers": true}}));
    server.configure("eager", enabled());
    let manager = server.manager();
    let status = server.until_state(&manager, "eager", "running").await;
    let offered = manager.offers().of("eager").puts.len();
    // Two seconds' worth at once; on a slow machine a few more.
    assert!((10..=20).contains(&offered), "{offered}");
    assert!(status["refusedDeltas"].as_u64().is_some_and(|refused| refused >= 26 - offered as u64), "{status}");
    manager.stop_all().await;
}

#[actix::test]
async fn a_long_notice_is_cut() {
    let server = Server::new().await;
    server.install("plugin", &GuestSource::new(), json!({}));
    let manager = server.manager();
    for _ in 0..2 {
        manager.notice("plugin", &format!("x{}", "ø".repeat(1000)));
    }
    let status = manager.status("plugin").await.expect("a plugin");
    assert_eq!(status["notices"], json!([format!("x{}", "ø".repeat(249))]));
    manager.stop_all().await;
}

#[actix::test]
async fn a_plugin_gets_its_share_of_the_processor() {
    let mut server = Server::new().await;
    let own = json!({"cpuShare": 0.01}).as_object().cloned().expect("an object");
    let own = PluginOverride { limits: own, ..PluginOverride::default() };
    server.settings.overrides.insert("busy".into(), own);
    // Each delta keeps it busy for some milliseconds, and a hundredth of ten seconds are a hundred of them.
    let guest = GuestSource::new().report("seen", "test.seen").text("one", "1").delta_handler(
        r#"(global.set $count (i32.const 20000000))
           (loop $again
             (global.set $count (i32.sub (global.get $count) (i32.const 1)))
             (br_if $again (global.get $count)))
           (call $report @seen @one)"#,
    );
    server.install("busy", &guest, json!({"signalk": {"wasm": {"subscriptions": ["input.*"]}}}));
    server.configure("busy", enabled());
    let manager = server.manager();
    server.until_state(&manager, "busy", "running").await;
    for n in 0..1500 {
        server.publish(delta("input.n", json!(n))).await;
    }
    let throttled = loop {
        let status = manager.status("busy").await.expect("a plugin");
        if status["limits"]["cpuShare"]["exceeded"] != 0 {
            break status;
        }
        tokio::task::yield_now().await;
    };
    let row = &throttled["limits"]["cpuShare"];
    assert!(row["limit"] == 0.01 && row["used"].as_f64() >= Some(0.01), "{row}");
    // It rests: nothing is done, and what waits is bounded.
    let done = server.values_so_far("test.seen").len();
    assert!(done < 1000, "{done}");
    assert!(throttled["queuedDeltas"].as_u64() <= Some(1064), "{throttled}");
    manager.stop_all().await;
}

#[actix::test]
async fn events_are_part_of_a_plugins_share() {
    let mut server = Server::new().await;
    let own = json!({"cpuShare": 0.01}).as_object().cloned().expect("an object");
    server.settings.overrides.insert("busy".into(), PluginOverride { limits: own, ..PluginOverride::default() });
    let guest = GuestSource::new()
        .report("heard", "test.heard")
        .text("one", "1")
        .text("all", "[]")
        .start("(i32.eqz (call $subscribe @all))")
        .event_handler(
            r#"(global.set $count (i32.const 20000000))
               (loop $again
                 (global.set $count (i32.sub (global.get $count) (i32.const 1)))
                 (br_if $again (global.get $count)))
               (call $report @heard @one)"#,
        );
    server.install("busy", &guest, json!({"wasmCapabilities": {"serverEvents": true}}));
    server.configure("busy", enabled());
    let manager = server.manager();
    server.until_state(&manager, "busy", "running").await;
    // A hundred wait at most: so many that it is over its share long before the last.
    for n in 0..100 {
        server.events.emit("PLUGIN_TEST", &json!(n));
    }
    server.values("test.heard", 1).await;
    let waiting = async {
        loop {
            let status = manager.status("busy").await.expect("a plugin");
            if status["limits"]["cpuShare"]["exceeded"] != 0 || server.values_so_far("test.heard").len() == 100 {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    let status = patiently(waiting).await.expect("it is held up or done");
    assert!(status["limits"]["cpuShare"]["exceeded"].as_u64() > Some(0), "{status}");
    let heard = server.values_so_far("test.heard").len();
    assert!((1..100).contains(&heard), "{heard}");
    manager.stop_all().await;
}

#[actix::test]
async fn a_module_that_was_put_back_keeps_the_consent_that_it_had() {
    let server = Server::new().await;
    // The former version crashes when it is told to, the new one does not start at all.
    let former = GuestSource::new().text("name", "Former").handler("crash", "(unreachable)");
    server.install("plugin", &former, asks(json!({"putHandlers": true, "httpEndpoints": true})));
    server.configure("plugin", enabled());
    let manager = server.manager();
    server.until_state(&manager, "plugin", "running").await;
    let mut newer = asks(json!({"radarProvider": true}));
    newer["version"] = json!("3.0.0");
    server.install("plugin", &GuestSource::new().start("(i32.const 7)"), newer);
    assert!(matches!(manager.reload("plugin").await, Err(PluginError::ConsentNeeded(_))));
    // Consent to the new version takes the place of that to the former one, whose module is put back.
    let refused = manager.consent("plugin").await;
    assert!(matches!(&refused, Err(PluginError::Invalid(reason)) if reason.contains("error code: 7")), "{refused:?}");
    let file = server.directory.path().join("plugin-consents.json");
    assert_eq!(read_json(&file)["plugin"]["version"], "3.0.0");
    let is_former = |status: &Value| {
        assert_eq!((&status["version"], &status["missingConsent"]), (&json!("2.0.0"), &json!([])), "{status}");
        assert_eq!(status["consented"]["putHandlers"], true, "{status}");
    };
    is_former(&server.until_state(&manager, "plugin", "running").await);
    assert!(!manager.awaits_consent("plugin"));

    // It crashes, and is brought back by the restart policy.
    let patience = Duration::from_secs(60);
    let crashed = manager.call("plugin", CallTarget::Http("crash".into()), "{}".into(), patience).await;
    assert!(crashed.is_err(), "{crashed:?}");
    server.until(&manager, "plugin", |status| status["crashCount"] == 1 && status["state"] != "crashed").await;
    let status = server.until(&manager, "plugin", |status| status["state"] != "starting").await;
    assert_eq!(status["state"], "running", "{status}");
    is_former(&status);
    assert_eq!(manager.restart("plugin").await, Ok(()), "by hand as well");
    is_former(&manager.status("plugin").await.expect("a plugin"));
    manager.stop_all().await;

    // The server's next start runs what is on the disk, with the consent to that.
    let manager = server.manager();
    let status = server.until_state(&manager, "plugin", "error").await;
    assert_eq!((&status["version"], &status["consented"]["putHandlers"]), (&json!("3.0.0"), &json!(false)), "{status}");
    manager.stop_all().await;
}

#[actix::test]
async fn the_status_shows_every_limit() {
    let mut server = Server::new().await;
    server.settings.limits.sandbox.deadlines.start = Duration::from_millis(50);
    server.install("plugin", &GuestSource::new().start("(loop $forever (br $forever)) (i32.const 0)"), json!({}));
    server.configure("plugin", enabled());
    let manager = server.manager();
    let status = server.until_state(&manager, "plugin", "crashed").await;
    let limits = status["limits"].as_object().expect("an object");
    for name in [
        "memoryBytes",
        "tableElements",
        "callMs",
        "cpuShare",
        "emittedDeltasPerSecond",
        "fileBytes",
        "files",
        "answerBytes",
        "sockets",
        "fetchesPerMinute",
        "logLinesPerSecond",
    ] {
        let row = limits.get(name).unwrap_or_else(|| panic!("no {name} in {limits:?}"));
        assert_eq!(row.as_object().map(|row| row.len()), Some(3), "{name}: {row}");
        assert!(!row["limit"].is_null() && row["used"].is_number() && row["exceeded"].is_u64(), "{name}: {row}");
    }
    assert_eq!((&limits["callMs"]["limit"]["start"], &limits["callMs"]["exceeded"]), (&json!(50), &json!(1)));
    assert!(limits["callMs"]["used"].as_f64() >= Some(50.0), "{limits:?}");
    manager.stop_all().await;
}

#[actix::test]
async fn settings_take_capabilities_away() {
    let mut server = Server::new().await;
    let capabilities = json!({"dataWrite": false}).as_object().cloned().expect("an object");
    server.settings.overrides.insert("@a/mute".into(), PluginOverride { capabilities, ..PluginOverride::default() });
    let guest = GuestSource::new().report("n", "test.n").text("one", "1").start("(call $report @n @one) (i32.const 0)");
    server.install("@a/mute", &guest, json!({}));
    server.configure("_a_mute", enabled());
    let manager = server.manager();
    let status = server.until_state(&manager, "_a_mute", "running").await;
    assert_eq!((&status["deniedCalls"], &status["capabilities"]["dataWrite"]), (&json!(1), &json!(false)));
    assert_eq!(server.values_so_far("test.n"), [] as [Value; 0]);
    manager.stop_all().await;
}

#[actix::test]
async fn the_log_tells_what_happened_and_what_the_plugin_says() {
    let server = Server::new().await;
    let guest = GuestSource::new()
        .text("hello", "hello from inside")
        .text("fine", "All is fine")
        .start("(call $debug @hello) (call $status @fine) (i32.const 0)");
    server.install("plugin", &guest, json!({}));
    server.configure("plugin", enabled());
    let manager = server.manager();
    server.until_state(&manager, "plugin", "running").await;
    let log = manager.log("plugin", 0, Duration::ZERO).await.expect("a plugin");
    let texts = |log: &super::super::LogExcerpt| log.lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&log), ["starting", "All is fine", "running"], "debug text is not wanted");
    assert_eq!(manager.save_config("plugin", json!({"enableDebug": true})).await, Ok(()));
    let more = manager.log("plugin", log.last, Duration::from_secs(25)).await.expect("a plugin");
    assert_eq!(texts(&more), ["starting", "hello from inside", "All is fine", "running"]);
    assert_eq!((more.missed, more.lines[1].source), (0, LogSource::Debug));
    assert_eq!(more.lines[0].seq, log.last + 1);
    manager.stop_all().await;
}

#[actix::test]
async fn plugins_that_list_paths_hear_themselves_only_when_they_ask() {
    // ABI-47
    let mut server = Server::new().await;
    let guest = |path: &str| {
        GuestSource::new()
            .report("seen", path)
            .text("one", "1")
            .report("start", "input.start")
            .start("(call $report @start @one) (i32.const 0)")
            .delta_handler("(call $report @seen @one)")
    };
    let wasm = |own: Value| json!({"signalk": {"wasm": {"subscriptions": ["input.*"], "ownDeltas": own}}});
    server.install("deaf", &guest("test.deaf"), wasm(Value::Null));
    server.install("hearing", &guest("test.hearing"), wasm(json!(true)));
    server.install("idle", &GuestSource::new(), json!({}));
    server.configure("deaf", enabled());
    server.configure("idle", enabled());
    let manager = server.manager();
    server.until_state(&manager, "deaf", "running").await;
    server.until_state(&manager, "idle", "running").await;
    // Its own start is one delta, and that of the other one is another.
    assert_eq!(manager.set_enabled("hearing", true).await, Ok(()));
    assert_eq!(server.values("test.deaf", 1).await.len(), 1);
    server.values("test.hearing", 1).await;
    server.publish(delta("input.end", json!(1))).await;
    assert_eq!(server.values("test.hearing", 2).await.len(), 2);
    assert_eq!(server.values("test.deaf", 2).await.len(), 2);
    let statistics = manager.statistics().await;
    assert_eq!(
        (&statistics["totalSubscriptions"], &statistics["activePlugins"]),
        (&json!(2), &json!(3)),
        "{statistics}"
    );
    assert_eq!((&statistics["bufferingPlugins"], &statistics["bufferedDeltas"]), (&json!(0), &json!(0)));
    let rows = statistics["plugins"].as_array().expect("rows");
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).expect("a row");
    assert_eq!((&row("deaf")["ownDeltas"], &row("hearing")["ownDeltas"]), (&json!(false), &json!(true)));
    assert_eq!((&row("deaf")["patterns"], &row("idle")["patterns"]), (&json!(["input.*"]), &Value::Null));
    assert_eq!((&row("idle")["subscribed"], &row("deaf")["deliveredDeltas"]), (&json!(false), &json!(2)));
    manager.stop_all().await;
}

#[actix::test]
async fn files_of_an_earlier_plugin_are_there_at_the_first_start() {
    let server = Server::new().await;
    server.install("old", &GuestSource::new(), json!({}));
    server.configure("old", enabled());
    let own = server.directory.path().join("plugin-config-data/old");
    std::fs::create_dir_all(&own).expect("made");
    std::fs::write(own.join("track.json"), "[]").expect("written");
    let manager = server.manager();
    let status = server.until_state(&manager, "old", "running").await;
    assert_eq!(std::fs::read_to_string(own.join("vfs/data/track.json")).expect("taken over"), "[]");
    assert!(own.join("track.json").is_file() && own.join("vfs/config").is_dir() && own.join("vfs/tmp").is_dir());
    assert_eq!(status["vfs"]["totalBytes"], 2);
    manager.stop_all().await;
}
