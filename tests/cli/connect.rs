//! `tierline connect`: what it prints leads to the gateway, and holds no key.

use crate::home::Home;

const KEY: &str = "sk-ant-test-5e1a9b20";

#[test]
fn the_lines_lead_to_the_route_of_the_account() {
    let home = Home::with(&[("WORK_KEY", KEY)]);
    home.run("accounts add --vault env --provider openai --label work --key-env WORK_KEY").done();
    home.add_account("custom", "router", "https://openrouter.ai/api/v1", "WORK_KEY");
    for (args, holds) in [
        ("connect", "export OPENAI_BASE_URL=http://127.0.0.1:4140/openai/v1\n"),
        ("connect --provider anthropic", "export ANTHROPIC_BASE_URL=http://127.0.0.1:4140/anthropic\n"),
        ("connect --account router --client python", "base_url=\"http://127.0.0.1:4140/custom/router\""),
        ("connect --client claude-code", "export ANTHROPIC_AUTH_TOKEN=TOKEN\n"),
        ("connect --client codex", "wire_api = \"responses\"\n"),
        ("connect --client gemini-cli", "\"selectedType\": \"gemini-api-key\""),
        ("connect --client ai-sdk", "// TOKEN stands for a local token"),
    ] {
        let lines = home.run(args).done();
        assert!(lines.contains(holds) && !lines.contains(KEY), "{args}: {lines}");
    }
    let told = home.run("connect --client litellm --json").json();
    assert_eq!(
        (&told["client"], &told["provider"], &told["gateway"]),
        (&"litellm".into(), &"openai".into(), &"http://127.0.0.1:4140".into())
    );
    home.run("connect --account router --client codex").failed(&["Codex speaks to OpenAI only"]);
}
