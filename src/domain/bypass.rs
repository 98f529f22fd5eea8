//! How a client is pointed straight back at its provider: the lines to paste, never a key.

use serde::{Serialize, Serializer};

use super::snippet::Snippet;
use super::{Account, Provider};

/// What takes one client of one account out of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bypass {
    /// The account's label.
    pub account: String,
    /// Which client: each that can be pointed at the gateway.
    #[serde(serialize_with = "by_word")]
    pub client: Snippet,
    /// Where the client goes then.
    pub base_url: String,
    /// Environment variables that point at the gateway or hold a local token.
    pub unset: Vec<&'static str>,
    /// The variable that has to hold the provider's own key again.
    pub key_variable: &'static str,
    /// Ready to paste, with what else is to be done in comments.
    pub lines: Vec<String>,
}

/// What an SDK speaks, which decides about names and about what belongs to the base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Anthropic,
    Gemini,
    OpenAi,
}

impl Bypass {
    /// The way around for a client of this account; `None` if that client does not speak to such a provider.
    #[must_use]
    pub fn of(account: &Account, client: Snippet) -> Option<Self> {
        let wire = match account.provider {
            Provider::Anthropic => Wire::Anthropic,
            Provider::Gemini => Wire::Gemini,
            Provider::OpenAi | Provider::DeepSeek | Provider::Custom => Wire::OpenAi,
        };
        if client.only().is_some_and(|only| only != account.provider) {
            return None;
        }
        let base = account.base_url.as_str();
        // OpenAI's SDKs want the version in the base URL; that of a custom account is stored as its SDK wants it
        let base_url = if account.provider == Provider::OpenAi { format!("{base}/v1") } else { base.to_owned() };
        let is_usual = account.provider.default_base_url() == Some(base);
        // an SDK's own default is right where the SDK is the provider's own
        let needs_url = !is_usual || account.provider == Provider::DeepSeek;
        let mut bypass = Self {
            account: account.label.clone(),
            client,
            base_url,
            unset: wire.variables().to_vec(),
            key_variable: wire.key_variable(),
            lines: Vec::new(),
        };
        bypass.lines = match client {
            Snippet::Environment => bypass.shell(wire, needs_url),
            Snippet::Python => bypass.python(wire, needs_url),
            Snippet::TypeScript => bypass.typescript(wire, needs_url),
            Snippet::Curl => bypass.curl(wire),
            Snippet::ClaudeCode => bypass.claude_code(wire, needs_url),
            Snippet::Codex => bypass.codex(),
            Snippet::GeminiCli => bypass.gemini_cli(wire, needs_url),
            Snippet::Llm => bypass.llm(account.provider, wire, needs_url),
            Snippet::LiteLlm => bypass.litellm(wire, needs_url),
            Snippet::AiSdk => bypass.ai_sdk(account.provider, wire, needs_url),
        };
        let key = format!("the key of account {} (fingerprint {})", account.label, account.fingerprint);
        let comment = if matches!(client, Snippet::TypeScript | Snippet::AiSdk) { "//" } else { "#" };
        bypass.lines.insert(0, format!("{comment} {}: {key} goes in {}, which had a local token", bypass.base_url, bypass.key_variable));
        Some(bypass)
    }

    fn shell(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let mut lines = vec![format!("unset {}", self.unset.join(" "))];
        if needs_url {
            lines.push(format!("export {}={}", wire.url_variable(), self.base_url));
        }
        lines.push(self.ask_for_key());
        lines
    }

    fn curl(&self, wire: Wire) -> Vec<String> {
        let Self { base_url, key_variable, .. } = self;
        let call = match wire {
            Wire::Anthropic => format!("curl {base_url}/v1/models -H \"x-api-key: ${key_variable}\" -H 'anthropic-version: 2023-06-01'"),
            Wire::Gemini => format!("curl {base_url}/v1beta/models -H \"x-goog-api-key: ${key_variable}\""),
            Wire::OpenAi => format!("curl {base_url}/models -H \"Authorization: Bearer ${key_variable}\""),
        };
        vec![self.ask_for_key(), call]
    }

    fn python(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let url = |name: &str| if needs_url { format!(", {name}=\"{}\"", self.base_url) } else { String::new() };
        let key = format!("api_key=os.environ[\"{}\"]", self.key_variable);
        let (import, client) = match wire {
            Wire::Anthropic => ("from anthropic import Anthropic", format!("client = Anthropic({key}{})", url("base_url"))),
            Wire::OpenAi => ("from openai import OpenAI", format!("client = OpenAI({key}{})", url("base_url"))),
            Wire::Gemini if needs_url => {
                let options = format!("http_options={{\"base_url\": \"{}\"}}", self.base_url);
                ("from google import genai", format!("client = genai.Client({key}, {options})"))
            }
            Wire::Gemini => ("from google import genai", format!("client = genai.Client({key})")),
        };
        vec![self.environment(), "import os".into(), import.into(), client]
    }

    fn typescript(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let url = |name: &str| if needs_url { format!(", {name}: \"{}\"", self.base_url) } else { String::new() };
        let key = format!("apiKey: process.env.{}", self.key_variable);
        let (import, client) = match wire {
            Wire::Anthropic => {
                ("import Anthropic from \"@anthropic-ai/sdk\";", format!("const client = new Anthropic({{ {key}{} }});", url("baseURL")))
            }
            Wire::OpenAi => ("import OpenAI from \"openai\";", format!("const client = new OpenAI({{ {key}{} }});", url("baseURL"))),
            Wire::Gemini => {
                let options = if needs_url { format!(", httpOptions: {{ baseUrl: \"{}\" }}", self.base_url) } else { String::new() };
                ("import { GoogleGenAI } from \"@google/genai\";", format!("const client = new GoogleGenAI({{ {key}{options} }});"))
            }
        };
        vec![self.environment().replacen('#', "//", 1), import.into(), client]
    }

    fn claude_code(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let mut lines = self.shell(wire, needs_url);
        lines.insert(
            0,
            format!("# if ~/.claude/settings.json or .claude/settings.json name them under \"env\", take out {}", self.unset.join(", ")),
        );
        lines.push("claude".into());
        lines
    }

    fn codex(&self) -> Vec<String> {
        vec![
            "# in ~/.codex/config.toml, take out openai_base_url and the model_provider that point at the gateway, or override them:"
                .into(),
            format!("unset {}", self.unset.join(" ")),
            self.ask_for_key(),
            format!("codex -c model_provider='\"openai\"' -c openai_base_url='\"{}\"'", self.base_url),
        ]
    }

    /// What `~/.gemini/settings.json` says of keys is right for both.
    fn gemini_cli(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let mut lines = self.shell(wire, needs_url);
        lines.push("gemini".into());
        lines
    }

    fn llm(&self, provider: Provider, wire: Wire, needs_url: bool) -> Vec<String> {
        let mut lines = self.shell(wire, needs_url && wire != Wire::Gemini);
        lines.push(match provider {
            Provider::Anthropic => "llm -m claude-sonnet-5.5 'Hello'".into(),
            Provider::OpenAi => "llm -m gpt-5.4-mini 'Hello'".into(),
            _ => {
                let base = if wire == Wire::Gemini { format!("{}/v1beta/openai", self.base_url) } else { self.base_url.clone() };
                format!("llm openai endpoint {base} --key \"${}\" -m MODEL 'Hello'", self.key_variable)
            }
        });
        lines
    }

    fn litellm(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let (prefix, base) = match wire {
            Wire::Anthropic => ("anthropic", self.base_url.clone()),
            Wire::Gemini => ("gemini", format!("{}/v1beta", self.base_url)),
            Wire::OpenAi => ("openai", self.base_url.clone()),
        };
        let url = if needs_url { format!(" api_base=\"{base}\",") } else { String::new() };
        let call = format!(
            "litellm.completion(model=\"{prefix}/MODEL\",{url} api_key=os.environ[\"{}\"], messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}])",
            self.key_variable
        );
        vec![self.environment(), "import os".into(), "import litellm".into(), call]
    }

    /// Its providers want the version in the base URL; the one of OpenAI asks for responses unless `chat` is called.
    fn ai_sdk(&self, provider: Provider, wire: Wire, needs_url: bool) -> Vec<String> {
        let (make, package, base) = match wire {
            Wire::Anthropic => ("createAnthropic", "@ai-sdk/anthropic", format!("{}/v1", self.base_url)),
            Wire::Gemini => ("createGoogleGenerativeAI", "@ai-sdk/google", format!("{}/v1beta", self.base_url)),
            Wire::OpenAi => ("createOpenAI", "@ai-sdk/openai", self.base_url.clone()),
        };
        let url = if needs_url { format!(", baseURL: \"{base}\"") } else { String::new() };
        let call = if matches!(provider, Provider::DeepSeek | Provider::Custom) { "provider.chat" } else { "provider" };
        vec![
            self.environment().replacen('#', "//", 1),
            format!("import {{ {make} }} from \"{package}\";"),
            format!("const provider = {make}({{ apiKey: process.env.{}{url} }});", self.key_variable),
            format!("const model = {call}(\"MODEL\");"),
        ]
    }

    fn ask_for_key(&self) -> String {
        format!("printf 'key: '; read -rs {0}; export {0}", self.key_variable)
    }

    /// Programs read these as well when nothing is given in the code.
    fn environment(&self) -> String {
        format!("# unset {} where the program starts", self.unset.join(" "))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn by_word<S: Serializer>(client: &Snippet, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(client.word())
}

impl Wire {
    const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => &["ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"],
            Self::Gemini => &["GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY", "GOOGLE_API_KEY"],
            Self::OpenAi => &["OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_KEY"],
        }
    }

    const fn url_variable(self) -> &'static str {
        match self {
            Self::Anthropic => "ANTHROPIC_BASE_URL",
            Self::Gemini => "GOOGLE_GEMINI_BASE_URL",
            Self::OpenAi => "OPENAI_BASE_URL",
        }
    }

    const fn key_variable(self) -> &'static str {
        match self {
            Self::Anthropic => "ANTHROPIC_API_KEY",
            Self::Gemini => "GEMINI_API_KEY",
            Self::OpenAi => "OPENAI_API_KEY",
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{AccountId, BaseUrl, KeyRef, Secret};

    fn account(provider: Provider, base_url: &str) -> Account {
        Account {
            id: AccountId(1),
            provider,
            label: "work".into(),
            base_url: BaseUrl::parse(base_url).unwrap(),
            fingerprint: Secret::from_pasted("sk-test").unwrap().fingerprint(),
            key: KeyRef::Env { variable: "X".into() },
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn each_client_is_sent_where_its_sdk_would_go_by_itself() {
        use Snippet::{AiSdk, ClaudeCode, Codex, Curl, Environment as Shell, GeminiCli, LiteLlm, Llm, Python, TypeScript};
        let (gemini, deepseek) = ("https://generativelanguage.googleapis.com", "https://api.deepseek.com");
        for (provider, base, client, holds) in [
            (
                Provider::Anthropic,
                "https://api.anthropic.com",
                Shell,
                Some("unset ANTHROPIC_BASE_URL ANTHROPIC_AUTH_TOKEN ANTHROPIC_API_KEY"),
            ),
            (Provider::Anthropic, "https://proxy.example", Shell, Some("export ANTHROPIC_BASE_URL=https://proxy.example")),
            (Provider::DeepSeek, "https://api.deepseek.com", Shell, Some("export OPENAI_BASE_URL=https://api.deepseek.com")),
            (Provider::OpenAi, "https://api.openai.com", Python, Some("client = OpenAI(api_key=os.environ[\"OPENAI_API_KEY\"])")),
            (Provider::Custom, "https://openrouter.ai/api/v1", Python, Some("base_url=\"https://openrouter.ai/api/v1\"")),
            (
                Provider::Gemini,
                "https://generativelanguage.googleapis.com",
                TypeScript,
                Some("new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY })"),
            ),
            (Provider::Anthropic, "https://api.anthropic.com", ClaudeCode, Some("claude")),
            (Provider::OpenAi, "https://api.openai.com", ClaudeCode, None),
            (
                Provider::OpenAi,
                "https://api.openai.com",
                Codex,
                Some("codex -c model_provider='\"openai\"' -c openai_base_url='\"https://api.openai.com/v1\"'"),
            ),
            (Provider::Custom, "https://openrouter.ai/api/v1", Codex, None),
            (Provider::Gemini, gemini, GeminiCli, Some("gemini")),
            (Provider::OpenAi, "https://api.openai.com", GeminiCli, None),
            (
                Provider::Gemini,
                gemini,
                Curl,
                Some("curl https://generativelanguage.googleapis.com/v1beta/models -H \"x-goog-api-key: $GEM"),
            ),
            (
                Provider::OpenAi,
                "https://api.openai.com",
                Curl,
                Some("curl https://api.openai.com/v1/models -H \"Authorization: Bearer $OP"),
            ),
            (Provider::Anthropic, "https://api.anthropic.com", Llm, Some("llm -m claude")),
            (
                Provider::Gemini,
                gemini,
                Llm,
                Some("endpoint https://generativelanguage.googleapis.com/v1beta/openai --key \"$GEMINI_API_KEY\""),
            ),
            (Provider::DeepSeek, deepseek, LiteLlm, Some("model=\"openai/MODEL\", api_base=\"https://api.deepseek.com\", api_key=os")),
            (Provider::Gemini, gemini, LiteLlm, Some("model=\"gemini/MODEL\", api_key=os.environ[\"GEMINI_API_KEY\"]")),
            (Provider::Anthropic, "https://proxy.example", AiSdk, Some("baseURL: \"https://proxy.example/v1\"")),
            (Provider::DeepSeek, deepseek, AiSdk, Some("const model = provider.chat(\"MODEL\");")),
        ] {
            let bypass = Bypass::of(&account(provider, base), client);
            let found = bypass.as_ref().map(|b| b.lines.iter().any(|line| line.contains(holds.unwrap_or("nothing"))));
            assert_eq!(found, holds.map(|_| true), "{provider:?} {client:?}: {bypass:?}");
            assert!(bypass.is_none_or(|b| !b.lines.join("\n").contains("sk-test")));
        }
    }
}
