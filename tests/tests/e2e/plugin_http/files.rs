//! Files of packages, and web apps.

use super::*;

#[tokio::test]
async fn files_of_packages_are_served_and_nothing_else_of_them() {
    let plugin =
        || with_endpoints(&[("GET", "/data.json", "text")]).field(constant("text", r#"{"body":"from the plugin"}"#));
    let webapp = json!({"keywords": ["signalk-wasm-plugin", "signalk-webapp"], "author": {"name": "A. Uthor"},
        "description": "An app", "license": "MIT", "signalk": {"displayName": "The app"}});
    let options = install(options(), "@s/app", plugin().wasm(), webapp.clone());
    let options = install(options, "closed", plugin().wasm(), json!({"wasmCapabilities": {"staticFiles": false}}));
    let options = install(options, "bare", plugin().wasm(), webapp);
    let pages = "node_modules/@s/app/public";
    let server = options
        .file(format!("{pages}/index.html"), "<p>the app")
        .file(format!("{pages}/app.js"), "let plain")
        .file(format!("{pages}/app.js.br"), "compressed")
        .file(format!("{pages}/data.json"), "from the file")
        .file(format!("{pages}/sub/index.html"), "<p>sub")
        .file(format!("{pages}/.secret"), "secret")
        .file("node_modules/closed/public/a.txt", "closed")
        .json_file(
            "node_modules/plain/package.json",
            &json!({"name": "plain", "version": "2.0.0",
            "keywords": ["signalk-embeddable-webapp"]}),
        )
        .file("node_modules/plain/public/remoteEntry.js", "let plain")
        .json_file("node_modules/library/package.json", &json!({"name": "library", "keywords": ["boats"]}))
        .file("node_modules/library/public/a.txt", "no app")
        .start()
        .await;
    for name in ["@s/app", "closed", "bare"] {
        in_state(&server, name, "running").await;
    }
    let plugin = "/plugins/_s_app";
    for (path, code, kind, text) in [
        ("/@s/app/", 200, "text/html; charset=utf-8", "<p>the app"),
        ("/@s/app/app.js", 200, "text/javascript; charset=utf-8", "let plain"),
        ("/%40s%2Fapp/sub/", 200, "text/html; charset=utf-8", "<p>sub"),
        ("/@s/app", 301, "", ""),
        ("/@s/app/sub", 301, "", ""),
        ("/plain/remoteEntry.js", 200, "text/javascript; charset=utf-8", "let plain"),
        ("/plugins/_s_app/app.js", 200, "text/javascript; charset=utf-8", "let plain"),
        ("/skServer/plugins/_s_app/sub/", 200, "text/html; charset=utf-8", "<p>sub"),
        ("/plugins/_s_app/data.json", 200, "text/html; charset=utf-8", "from the plugin"),
        ("/@s/app/data.json", 200, "application/json", "from the file"),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (code, kind), "{path}: {}", answer.text);
        assert_eq!(answer.text, text, "{path}");
    }
    assert_eq!(server.get("/@s/app").await.header("location"), "/@s/app/");
    assert_eq!(server.get("/@s/app?a=1&b").await.header("location"), "/@s/app/?a=1&b");
    for absent in [
        "/@s/app/plugin.wasm",
        "/@s/app/package.json",
        "/@s/app/%2e%2e/package.json",
        "/@s/app/..%2fpackage.json",
        "/@s/app/.secret",
        "/plugins/_s_app/.secret",
        "/plugins/_s_app/%2e%2e/plugin.wasm",
        "/plugins/_s_app/..%2fplugin.wasm",
        "/plugins/closed/a.txt",
        "/bare/",
        "/bare/plugin.wasm",
        "/bare/package.json",
        "/library/a.txt",
        "/plain/none.js",
    ] {
        let answer = server.get(absent).await;
        assert_eq!(answer.status, 404, "{absent}: {}", answer.text);
    }
    assert!(server.get("/bare/").await.text.contains("public/"), "it says why");
    assert_eq!(server.request(Method::POST, "/@s/app/", &[], None).await.status, 404);

    // The plugin's first page is for browsers, its description for programs.
    assert_eq!(server.get(&format!("{plugin}/")).await.json()["id"], "_s_app");
    let page = |headers: &'static [(&str, &str)]| server.request(Method::GET, "/plugins/_s_app/", headers, None);
    assert_eq!(page(&[("Accept", "application/json")]).await.json()["id"], "_s_app");
    assert_eq!(page(&[("Accept", "text/html,application/xml;q=0.9,*/*;q=0.8")]).await.text, "<p>the app");

    // Parts, versions and compressed files.
    let get = |headers: &'static [(&str, &str)]| server.request(Method::GET, "/@s/app/app.js", headers, None);
    let part = get(&[("Range", "bytes=4-8")]).await;
    assert_eq!((part.status.as_u16(), part.text.as_str()), (206, "plain"));
    let packed = get(&[("Accept-Encoding", "br")]).await;
    assert_eq!((packed.header("content-encoding"), packed.text.as_str()), ("br", "compressed"));
    let tag = get(&[]).await.header("etag").to_owned();
    let known = server.request(Method::GET, "/@s/app/app.js", &[("If-None-Match", &tag)], None).await;
    assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
    let head = server.request(Method::HEAD, "/@s/app/app.js", &[], None).await;
    assert_eq!((head.status.as_u16(), head.header("content-length"), head.text.as_str()), (200, "9", ""));

    // The lists.
    let names = |list: &Json| -> Vec<String> {
        let items = list.as_array().expect("a list").iter();
        items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
    };
    let webapps = server.json("/skServer/webapps").await;
    assert_eq!(names(&webapps), ["@s/app", "bare", "plain"]);
    assert_eq!((&webapps[0]["signalk"]["displayName"], &webapps[0]["version"]), (&json!("The app"), &json!("1.2.3")));
    let apps = server.json("/signalk/v1/apps/list").await;
    assert_eq!(names(&apps), ["windlass-dashboard", "@s/app", "bare"]);
    let expected = json!({"name": "@s/app", "version": "1.2.3", "description": "An app", "location": "/@s/app/",
        "license": "MIT", "author": "A. Uthor"});
    assert_eq!(apps[1], expected);
    server.post(&format!("{plugin}/disable"), &json!({})).await;
    assert_eq!(names(&server.json("/skServer/webapps").await), ["bare", "plain"]);
    assert_eq!(server.json("/skServer/addons").await, json!([]));
}

#[tokio::test]
async fn what_can_be_read_has_headers_and_a_page_of_another_origin_reads_values_only() {
    let plugin = with_endpoints(&[("POST", "/reset", "reset"), ("GET", "/log", "log")])
        .field(constant("reset", r#"{"body":"done"}"#))
        .field(constant("log", r#"{"body":"its own log"}"#));
    let server = install(options(), "@s/app", plugin.wasm(), json!({})).start().await;
    in_state(&server, "@s/app", "running").await;
    let plugin = "/plugins/_s_app";
    assert_eq!(server.get(&format!("{plugin}/log")).await.text, "its own log");
    assert!(server.json(&format!("{plugin}/@log")).await["lines"].is_array());

    for path in [
        "/signalk",
        "/signalk/v1/apps/list",
        "/signalk/v1/api/vessels/self/name",
        "/signalk/v2/features",
        "/signalk/v2/api/resources",
        "/signalk/v2/api/weather/_providers",
        "/signalk/v2/api/vessels/self/radars",
        "/skServer/webapps",
        "/skServer/plugins/@statistics",
        "/plugins/_s_app/@log",
        "/windlass/statistics",
    ] {
        let head = server.request(Method::HEAD, path, &[], None).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""), "{path}");
        assert_ne!(head.header("content-type"), "", "{path}");
    }
    for path in ["/signalk/v2/features", "/signalk/v2/api/streams/x", "/signalk/v2/api/vessels/self/radars/x/spokes"] {
        assert_eq!(server.post(path, &json!({})).await.status, 404, "{path}");
    }

    let own = format!("http://{}", server.address());
    for path in ["/plugins/_s_app/disable", "/skServer/plugins/_s_app/config", "/plugins/_s_app/reset"] {
        let post = |origin: &str| {
            let request = reqwest::Client::new().post(server.url(path)).header("Origin", origin);
            request.header("Content-Type", "text/plain").body("{}").send()
        };
        let refused = post("http://elsewhere.example").await.expect("an answer");
        assert_eq!(refused.status(), 403, "{path}");
        assert_eq!(refused.headers()["access-control-allow-origin"], "*", "it can be seen why");
        assert_ne!(post(&own).await.expect("an answer").status(), 403, "{path}");
        server.post(&format!("{plugin}/enable"), &json!({})).await;
    }
    for (path, status) in [("/signalk/v1/api/", 200), ("/signalk/v2/features", 200), ("/skServer/plugins", 403)] {
        let read = server.request(Method::GET, path, &[("Origin", "http://elsewhere.example")], None).await;
        assert_eq!(read.status, status, "{path}: values are for every page, administration is not");
    }
}
