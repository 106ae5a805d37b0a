//! Plugins of the AssemblyScript ABI.

use super::*;

/// A plugin of the AssemblyScript ABI. In code, `@'text'@` stands for the pointer of a managed string; `$join` makes one of three.
pub fn assembly_script(imports: &str, start: &str, endpoints: &[(&str, &str, &str)], more: &str) -> Vec<u8> {
    let code = format!(
        "(func $join (param $a i32) (param $b i32) (param $c i32) (result i32)
            (local $to i32) (local $end i32)
            (local.set $to (call $new
                (i32.add (i32.add (call $size (local.get $a)) (call $size (local.get $b))) (call $size (local.get $c)))
                (i32.const 2)))
            (local.set $end (call $append (call $append (call $append (local.get $to) (local.get $a)) (local.get $b)) (local.get $c)))
            (local.get $to))
         (func $append (param $to i32) (param $from i32) (result i32)
            (memory.copy (local.get $to) (local.get $from) (call $size (local.get $from)))
            (i32.add (local.get $to) (call $size (local.get $from))))
         (func $size (param $of i32) (result i32) (i32.load (i32.sub (local.get $of) (i32.const 4))))
         (func $hex (param $at i32) (param $length i32) (result i32)
            (local $to i32) (local $i i32)
            (local.set $to (call $new (i32.mul (local.get $length) (i32.const 4)) (i32.const 2)))
            (loop $next
                (if (i32.lt_u (local.get $i) (local.get $length)) (then
                    (call $digit (i32.add (local.get $to) (i32.mul (local.get $i) (i32.const 4)))
                        (i32.shr_u (i32.load8_u (i32.add (local.get $at) (local.get $i))) (i32.const 4)))
                    (call $digit (i32.add (local.get $to) (i32.add (i32.mul (local.get $i) (i32.const 4)) (i32.const 2)))
                        (i32.and (i32.load8_u (i32.add (local.get $at) (local.get $i))) (i32.const 15)))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br $next))))
            (local.get $to))
         (func $digit (param $to i32) (param $value i32)
            (i32.store16 (local.get $to)
                (select (i32.add (local.get $value) (i32.const 48)) (i32.add (local.get $value) (i32.const 87))
                    (i32.lt_u (local.get $value) (i32.const 10)))))
         (func (export \"plugin_name\") (result i32) @'Script'@)
         (func (export \"plugin_schema\") (result i32) @'{{}}'@)
         (func (export \"plugin_start\") (param i32 i32) (result i32) {start} (i32.const 0))
         (func (export \"plugin_stop\") (result i32) (i32.const 0))
         (func (export \"http_endpoints\") (result i32) @'{}'@)
         {more}",
        declared(endpoints)
    );
    let (mut placed, mut data, mut at) = (String::new(), String::new(), 1024);
    let mut rest = code.as_str();
    while let Some((before, after)) = rest.split_once("@'") {
        let (text, after) = after.split_once("'@").expect("a text has an end");
        let payload: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let header = [[0; 12].as_slice(), &2u32.to_le_bytes(), &(payload.len() as u32).to_le_bytes()].concat();
        let bytes: String = header.iter().chain(&payload).map(|byte| format!("\\{byte:02x}")).collect();
        data += &format!("(data (i32.const {at}) \"{bytes}\")");
        placed += &format!("{before}(i32.const {})", at + 20);
        at += (20 + payload.len()).next_multiple_of(16);
        rest = after;
    }
    assert!(at < 65_536, "the texts reach into the heap");
    let module = format!(
        "(module {imports} (memory (export \"memory\") 64) (global $used (mut i32) (i32.const 65536))
         (func $new (export \"__new\") (param $size i32) (param $class i32) (result i32)
            (local $at i32)
            (local.set $at (i32.add (global.get $used) (i32.const 20)))
            (global.set $used
                (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 31)) (i32.const -16)))
            (i32.store (i32.sub (local.get $at) (i32.const 8)) (local.get $class))
            (i32.store (i32.sub (local.get $at) (i32.const 4)) (local.get $size))
            (local.get $at))
         (func (export \"__pin\") (param i32) (result i32) (local.get 0))
         (func (export \"__unpin\") (param i32))
         {data} {placed}{rest})"
    );
    wat::parse_str(&module).unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn both_forms_of_assembly_script_handlers_work() {
    let info = r#"{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":"{\"name\":\"hei, Ærø ⚓\",\"uptime\":1.0}"}"#;
    let more = format!(
        "(func (export \"info\") (param i32 i32) (result i32) @'{info}'@)
         (func (export \"one\") (param $request i32) (result i32)
            (call $join @'{{\"body\":'@ (local.get $request) @'}}'@))
         (func (export \"two\") (param $at i32) (param $length i32) (result i32)
            (call $join @'{{\"body\":\"'@ (call $hex (local.get $at) (local.get $length)) @'\"}}'@))"
    );
    let endpoints = [("GET", "/api/info", "info"), ("POST", "/one", "one"), ("POST", "/two", "two")];
    let wasm = assembly_script("", "", &endpoints, &more);
    let server = install(options(), "@signalk/example-hello", wasm, json!({})).start().await;
    let status = in_state(&server, "@signalk/example-hello", "running").await;
    assert_eq!(status["abi"], "assemblyscript", "{status}");
    let mount = "/plugins/_signalk_example-hello";

    // ABI-51
    let answer = server.get(&format!("{mount}/api/info")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json; charset=utf-8"));
    assert_eq!(answer.text, r#"{"name":"hei, Ærø ⚓","uptime":1}"#);

    // ABI-54
    let body = json!({"text": "Ærø ⚓ 🌬"});
    let one = server.post(&format!("{mount}/one?q=%C3%A5"), &body).await.json();
    assert_eq!((&one["body"], &one["query"]["q"]), (&body, &json!("å")), "{one}");
    let two = server.post(&format!("{mount}/two?q=%C3%A5"), &body).await;
    let byte = |at| u8::from_str_radix(&two.text[at..at + 2], 16).expect("two digits");
    let bytes: Vec<u8> = (0..two.text.len()).step_by(2).map(byte).collect();
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(text.starts_with(r#"{"method":"POST","path":"/two","query":{"q":"å"},"params":{},"body":"#), "{text}");
    let two: Json = serde_json::from_str(&text).expect("a whole request");
    assert_eq!(two["body"], body, "{text}");
}
