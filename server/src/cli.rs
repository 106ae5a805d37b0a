//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::plugin_tool::PluginCommand;

/// A Signal K server for boats: data in over NMEA 0183 and Signal K, WASM plugins in a sandbox, data out over REST and WebSocket.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, about, long_about = None, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// What to do instead of running the server.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Configuration directory, in the reference server's form [default: ~/.signalk, with --demo a temporary one]
    #[arg(short, long, value_name = "DIR", env = "SIGNALK_NODE_CONFIG_DIR")]
    pub config_dir: Option<PathBuf>,

    /// Port to listen on; 0 takes any free one [default: 3000]
    #[arg(short, long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Address to listen on; 0.0.0.0 for every network interface [default: 0.0.0.0, with --demo 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,

    /// Play an NMEA 0183 recording with its own timing, over and over
    #[arg(long, value_name = "FILE")]
    pub playback: Option<PathBuf>,

    /// How many times faster than recorded to play; 0 is as fast as possible
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, requires = "playback")]
    pub playback_speed: f64,

    /// Let everybody who reaches the server read and change everything, without users and passwords
    #[arg(long)]
    pub insecure: bool,

    /// Simulate a boat under way, and run the example plugins; open to this computer only
    #[arg(long)]
    pub demo: bool,
}

/// Commands besides running the server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make, check, install and manage plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
}
