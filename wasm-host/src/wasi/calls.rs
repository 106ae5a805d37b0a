//! Which WASI functions there are, and which of them are not simply passed on.

/// Error numbers of WASI preview 1.
pub(crate) mod errno {
    pub(crate) const SUCCESS: u16 = 0;
    pub(crate) const BADF: u16 = 8;
    pub(crate) const DQUOT: u16 = 19;
    pub(crate) const FAULT: u16 = 21;
    pub(crate) const INVAL: u16 = 28;
    pub(crate) const MFILE: u16 = 33;
    pub(crate) const NOSYS: u16 = 52;
    pub(crate) const OVERFLOW: u16 = 61;
    pub(crate) const PERM: u16 = 63;
}

/// What is done with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// Passed on.
    Pass,
    /// Answered with an error number.
    Answer(u16),
    /// Ends the guest.
    Exit,
    /// Our own clock.
    Clock,
    /// Our own wait, which the watchdog can end.
    Wait,
    /// The same for a number of nanoseconds.
    Sleep,
    /// Passed on while there is room for another open file, whose descriptor is written to where this argument says.
    Open(usize),
    /// Passed on, and counted.
    Close,
    /// Made of a duplicate and a close, between open files only.
    Renumber,
    /// Passed on when its list of buffers is sane.
    Buffers,
}

/// The treatment of the WASI function `name`; `None`: there is no such function.
///
/// Links are refused, because a guest could plant one for the server to follow. Sockets do not exist.
pub(crate) fn treatment(name: &str) -> Option<Treatment> {
    Some(match name {
        "proc_exit" => Treatment::Exit,
        "clock_time_get" => Treatment::Clock,
        "poll_oneoff" => Treatment::Wait,
        "path_open" => Treatment::Open(8),
        "fd_close" => Treatment::Close,
        "fd_renumber" => Treatment::Renumber,
        "fd_read" | "fd_pread" | "fd_write" | "fd_pwrite" => Treatment::Buffers,
        "path_symlink" | "path_link" => Treatment::Answer(errno::PERM),
        "sched_yield" => Treatment::Answer(errno::SUCCESS),
        "sock_accept" | "sock_recv" | "sock_send" | "sock_shutdown" | "proc_raise" => Treatment::Answer(errno::NOSYS),
        "args_get"
        | "args_sizes_get"
        | "environ_get"
        | "environ_sizes_get"
        | "clock_res_get"
        | "random_get"
        | "fd_advise"
        | "fd_allocate"
        | "fd_datasync"
        | "fd_fdstat_get"
        | "fd_fdstat_set_flags"
        | "fd_fdstat_set_rights"
        | "fd_filestat_get"
        | "fd_filestat_set_size"
        | "fd_filestat_set_times"
        | "fd_prestat_get"
        | "fd_prestat_dir_name"
        | "fd_readdir"
        | "fd_seek"
        | "fd_sync"
        | "fd_tell"
        | "path_create_directory"
        | "path_filestat_get"
        | "path_filestat_set_times"
        | "path_readlink"
        | "path_remove_directory"
        | "path_rename"
        | "path_unlink_file" => Treatment::Pass,
        _ => return None,
    })
}

/// The treatment of the WASIX function `name`: WASI's are treated as WASI's; of the others only those that stay inside the sandbox work.
/// Threads, processes, sockets, pipes and signals are answered with "not supported", as on a system that has none.
pub(crate) fn wasix_treatment(name: &str) -> Treatment {
    match name {
        "path_open2" => Treatment::Open(9),
        "getcwd" | "chdir" | "tty_get" | "proc_id" | "thread_id" => Treatment::Pass,
        "thread_sleep" => Treatment::Sleep,
        "proc_exit2" | "thread_exit" => Treatment::Exit,
        // Nobody will ever send a signal.
        "callback_signal" => Treatment::Answer(errno::SUCCESS),
        _ => treatment(name).unwrap_or(Treatment::Answer(errno::NOSYS)),
    }
}

/// The descriptor of the environment's own root, which holds the plugin's `/` but cannot be written to itself.
const ENVIRONMENT_ROOT: i32 = 3;
/// The descriptor of the plugin's `/`.
const PLUGIN_ROOT: i32 = 4;

/// Which arguments of the function `name` are directories.
pub(crate) fn directory_arguments(name: &str) -> &'static [usize] {
    match name {
        "path_rename" => &[0, 3],
        "path_open"
        | "path_open2"
        | "path_create_directory"
        | "path_filestat_get"
        | "path_filestat_set_times"
        | "path_readlink"
        | "path_remove_directory"
        | "path_unlink_file"
        | "fd_readdir" => &[0],
        _ => &[],
    }
}

/// The directory meant by a descriptor: both roots are called `/`, and guests may use either.
pub(crate) fn directory(descriptor: i32) -> i32 {
    if descriptor == ENVIRONMENT_ROOT { PLUGIN_ROOT } else { descriptor }
}
