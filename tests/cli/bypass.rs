//! `tierline bypass`: what it prints works in a shell, and holds neither a key nor the gateway.

use std::process::Command;

use serde_json::json;

use crate::home::Home;

const KEY: &str = "sk-ant-test-0d3b7c51";

#[test]
fn the_printed_lines_take_a_shell_out_of_the_gateway() {
    let home = Home::with(&[("WORK_KEY", KEY)]);
    home.run("bypass").failed(&["no stored account", "tierline accounts list"]);
    home.run("accounts add --vault env --provider anthropic --label work --key-env WORK_KEY").done();
    home.add_account("custom", "router", "https://openrouter.ai/api/v1", "WORK_KEY");
    for (account, var, expect) in [("work", "ANTHROPIC_BASE_URL", "-"), ("router", "OPENAI_BASE_URL", "https://openrouter.ai/api/v1")] {
        let lines = home.run(&format!("bypass --account {account}")).done();
        assert!(!lines.contains(KEY), "{lines}");
        let script = format!("set -e\n{lines}\necho \"=${{{var}:--}}\"");
        let mut shell = Command::new("bash");
        shell.args(["-c", &script]).env_clear().env(var, "http://127.0.0.1:4140/x").stdin(std::process::Stdio::piped());
        let mut child = shell.stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"typed-key\n").unwrap();
        let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert!(out.ends_with(&format!("={expect}\n")), "{account}: {out}");
    }
    let ways = home.run("bypass --client claude-code --json").json();
    assert_eq!((ways.as_array().unwrap().len(), &ways[0]["account"], &ways[0]["client"]), (1, &json!("work"), &json!("claude-code")));
    assert_eq!(ways[0]["base_url"], "https://api.anthropic.com");
    for (client, holds) in [("curl", "/v1/models"), ("llm", "llm -m"), ("litellm", "litellm.completion"), ("ai-sdk", "createAnthropic")] {
        let lines = home.run(&format!("bypass --client {client} --account work")).done();
        assert!(lines.contains(holds) && !lines.contains(KEY), "{lines}");
    }
    home.run("bypass --client gemini-cli").failed(&["no stored account"]);
    home.run("bypass --client codex").failed(&["no stored account"]);
}
