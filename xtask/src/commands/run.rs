//! `run`: a server with a live boat, from nothing.

use crate::project::Project;
use crate::setup::Demo;
use crate::step::chapter;
use crate::tool::Tool;
use anyhow::Result;

const DEFAULT_PORT: &str = "3000";

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    let lock = project.lock()?;
    let demo = Demo::prepare(project)?;
    chapter("building the server", || project.cargo(&["build", "--release", "--package", "windlass"]).loud())?;
    // The server runs for hours; the next set-up need not wait for it.
    drop(lock);
    println!("▸ starting the server on http://localhost:{} (Ctrl-C ends it)", port(args));
    let server = Tool::new(project.server()).args(["--demo"]).args(args);
    demo.environment(server).become_it()
}

/// The port that the server will listen on, to tell the address.
fn port(args: &[String]) -> &str {
    args.iter()
        .enumerate()
        .find_map(|(at, arg)| match arg.strip_prefix("--port")? {
            "" => args.get(at + 1).map(String::as_str),
            rest => rest.strip_prefix('='),
        })
        .unwrap_or(DEFAULT_PORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_in_both_spellings() {
        for (args, expected) in [
            (&[][..], "3000"),
            (&["--port", "4000"], "4000"),
            (&["--config-dir", "x", "--port=4001"], "4001"),
            (&["--portable"], "3000"),
            (&["--port"], "3000"),
        ] {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(port(&args), expected, "{args:?}");
        }
    }
}
