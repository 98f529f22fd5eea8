//! An nginx that is installed, as a proxy on loopback with a configuration of its own.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running nginx; ended on drop.
pub(crate) struct Nginx {
    pub(crate) addr: SocketAddr,
    master: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it in front of `provider`; `None` if there is none to start.
    pub(crate) fn start(provider: SocketAddr) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("nginx.conf");
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        std::fs::write(&config, configuration(addr, provider)).unwrap();
        // Debian keeps it where only the administrator's PATH leads
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let started =
            Command::new("nginx").env("PATH", path).arg("-p").arg(folder.path()).arg("-c").arg(&config).stderr(Stdio::null()).spawn();
        let master = match started {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            started => started.unwrap(),
        };
        let nginx = Self { addr, master, _folder: folder };
        let is_up = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            TcpStream::connect(addr).is_ok()
        });
        assert!(is_up, "nginx does not listen on {addr}");
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // its workers end with it only if it may end itself
        let _ = kill_process(Pid::from_child(&self.master), Signal::TERM);
        let _ = self.master.wait();
    }
}

/// As many workers and kept connections as the other proxies have, nothing logged, answers passed on as they come.
fn configuration(addr: SocketAddr, provider: SocketAddr) -> String {
    format!(
        "daemon off;
pid nginx.pid;
error_log stderr crit;
worker_processes 2;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000000;
    upstream provider {{
        server {provider};
        keepalive 512;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {addr};
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
        }}
    }}
}}
"
    )
}
