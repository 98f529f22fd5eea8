//! How a client is pointed at the gateway: the lines to paste. The end-to-end tests set their clients up with what stands here.

use super::Provider;

/// A client, or a way of writing one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Snippet {
    #[default]
    Environment,
    Python,
    TypeScript,
    Curl,
    ClaudeCode,
    Codex,
    GeminiCli,
    Llm,
    LiteLlm,
    AiSdk,
}

/// Where a snippet leads, taken apart as clients want it.
struct Place {
    provider: Provider,
    /// The provider's route.
    root: String,
    /// What OpenAI's SDKs want: with the version, where the provider's own SDK has it in the base URL.
    openai: String,
}

impl Snippet {
    /// Every way.
    pub const ALL: [Self; 10] = [
        Self::Environment,
        Self::Python,
        Self::TypeScript,
        Self::Curl,
        Self::ClaudeCode,
        Self::Codex,
        Self::GeminiCli,
        Self::Llm,
        Self::LiteLlm,
        Self::AiSdk,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Environment => "shell",
            Self::Python => "python",
            Self::TypeScript => "typescript",
            Self::Curl => "curl",
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::GeminiCli => "gemini-cli",
            Self::Llm => "llm",
            Self::LiteLlm => "litellm",
            Self::AiSdk => "ai-sdk",
        }
    }

    /// Its name on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Environment => "Environment",
            Self::Python => "Python",
            Self::TypeScript => "TypeScript",
            Self::Curl => "curl",
            Self::ClaudeCode => "Claude Code",
            Self::Codex => "Codex",
            Self::GeminiCli => "Gemini CLI",
            Self::Llm => "llm",
            Self::LiteLlm => "LiteLLM",
            Self::AiSdk => "AI SDK",
        }
    }

    /// The one provider that a client speaks to.
    #[must_use]
    pub const fn only(self) -> Option<Provider> {
        match self {
            Self::ClaudeCode => Some(Provider::Anthropic),
            Self::Codex => Some(Provider::OpenAi),
            Self::GeminiCli => Some(Provider::Gemini),
            Self::Environment | Self::Python | Self::TypeScript | Self::Curl | Self::Llm | Self::LiteLlm | Self::AiSdk => None,
        }
    }

    /// The text to paste. TOKEN stands for a local token: nobody knows one after it was shown.
    #[must_use]
    pub fn text(self, provider: Provider, gateway: &str, custom_label: &str) -> String {
        let provider = self.only().unwrap_or(provider);
        let root = match provider {
            Provider::Custom => format!("{gateway}/custom/{custom_label}"),
            other => format!("{gateway}/{}", other.name()),
        };
        let openai = match provider {
            Provider::OpenAi => format!("{root}/v1"),
            Provider::Gemini => format!("{root}/v1beta/openai"),
            _ => root.clone(),
        };
        let place = Place { provider, root, openai };
        match self {
            Self::Environment => place.environment(),
            Self::Python => place.python(),
            Self::TypeScript => place.typescript(),
            Self::Curl => place.curl(),
            Self::ClaudeCode => place.claude_code(),
            Self::Codex => place.codex(),
            Self::GeminiCli => place.gemini_cli(),
            Self::Llm => place.llm(),
            Self::LiteLlm => place.litellm(),
            Self::AiSdk => place.ai_sdk(),
        }
    }
}

impl Place {
    fn environment(&self) -> String {
        let Self { root, openai, .. } = self;
        match self.provider {
            Provider::Anthropic => format!("export ANTHROPIC_BASE_URL={root}\nexport ANTHROPIC_API_KEY=TOKEN"),
            Provider::Gemini => format!("export GOOGLE_GEMINI_BASE_URL={root}\nexport GEMINI_API_KEY=TOKEN"),
            _ => format!("export OPENAI_BASE_URL={openai}\nexport OPENAI_API_KEY=TOKEN"),
        }
    }

    fn python(&self) -> String {
        let Self { root, openai, .. } = self;
        match self.provider {
            Provider::Anthropic => {
                format!("from anthropic import Anthropic\n\nclient = Anthropic(\n    base_url=\"{root}\",\n    api_key=\"TOKEN\",\n)")
            }
            Provider::Gemini => format!(
                "from google import genai\nfrom google.genai import types\n\nclient = genai.Client(\n    api_key=\"TOKEN\",\n    \
                 http_options=types.HttpOptions(base_url=\"{root}\"),\n)"
            ),
            _ => format!("from openai import OpenAI\n\nclient = OpenAI(\n    base_url=\"{openai}\",\n    api_key=\"TOKEN\",\n)"),
        }
    }

    fn typescript(&self) -> String {
        let Self { root, openai, .. } = self;
        match self.provider {
            Provider::Anthropic => format!(
                "import Anthropic from \"@anthropic-ai/sdk\";\n\nconst client = new Anthropic({{\n  baseURL: \"{root}\",\n  \
                 apiKey: \"TOKEN\",\n}});"
            ),
            Provider::Gemini => format!(
                "import {{ GoogleGenAI }} from \"@google/genai\";\n\nconst client = new GoogleGenAI({{\n  apiKey: \"TOKEN\",\n  \
                 httpOptions: {{ baseUrl: \"{root}\" }},\n}});"
            ),
            _ => {
                format!(
                    "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{\n  baseURL: \"{openai}\",\n  apiKey: \"TOKEN\",\n}});"
                )
            }
        }
    }

    fn curl(&self) -> String {
        let Self { root, openai, .. } = self;
        match self.provider {
            Provider::Anthropic => {
                format!("curl {root}/v1/models \\\n  -H \"x-api-key: TOKEN\" \\\n  -H \"anthropic-version: 2023-06-01\"")
            }
            Provider::Gemini => format!("curl {root}/v1beta/models \\\n  -H \"x-goog-api-key: TOKEN\""),
            _ => format!("curl {openai}/models \\\n  -H \"Authorization: Bearer TOKEN\""),
        }
    }

    /// With a token instead of a key it neither asks whether the key may be used nor prefers a login (2.1, 2026-11).
    fn claude_code(&self) -> String {
        format!("export ANTHROPIC_BASE_URL={}\nexport ANTHROPIC_AUTH_TOKEN=TOKEN\nclaude", self.root)
    }

    /// Codex has no variable for the URL; since early 2026 it speaks the Responses API only (its configuration reference, 2026-10).
    fn codex(&self) -> String {
        format!(
            "# ~/.codex/config.toml\nmodel_provider = \"tierline\"\n\n[model_providers.tierline]\nname = \"Tierline\"\n\
             base_url = \"{}\"\nenv_key = \"TIERLINE_TOKEN\"\nwire_api = \"responses\"\n\n# in the shell\nexport TIERLINE_TOKEN=TOKEN\ncodex",
            self.openai
        )
    }

    /// A base URL in the environment alone makes it choose a way to authenticate that it then refuses (0.61, 2026-11).
    fn gemini_cli(&self) -> String {
        format!(
            "# ~/.gemini/settings.json\n{{ \"security\": {{ \"auth\": {{ \"selectedType\": \"gemini-api-key\" }} }} }}\n\n\
             # in the shell\nexport GOOGLE_GEMINI_BASE_URL={}\nexport GEMINI_API_KEY=TOKEN\ngemini",
            self.root
        )
    }

    /// Its own models and those of llm-anthropic go where the SDK behind them goes; llm-gemini knows one address only (0.35, 2026-11).
    fn llm(&self) -> String {
        match self.provider {
            Provider::Anthropic => format!("{}\nllm -m claude-sonnet-5.5 'Hello'", self.environment()),
            Provider::OpenAi => format!("{}\nllm -m gpt-5.4-mini 'Hello'", self.environment()),
            _ => format!("llm openai endpoint {} --key TOKEN -m MODEL 'Hello'", self.openai),
        }
    }

    fn litellm(&self) -> String {
        let Self { root, openai, .. } = self;
        let (prefix, base) = match self.provider {
            Provider::Anthropic => ("anthropic", root.clone()),
            Provider::Gemini => ("gemini", format!("{root}/v1beta")),
            _ => ("openai", openai.clone()),
        };
        format!(
            "import litellm\n\nlitellm.completion(\n    model=\"{prefix}/MODEL\",\n    api_base=\"{base}\",\n    api_key=\"TOKEN\",\n    \
             messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}],\n)"
        )
    }

    /// Its providers want the version in the base URL; the one of OpenAI asks for responses unless `chat` is called.
    fn ai_sdk(&self) -> String {
        let Self { root, openai, .. } = self;
        let (make, package, base, call) = match self.provider {
            Provider::Anthropic => ("createAnthropic", "@ai-sdk/anthropic", format!("{root}/v1"), "provider"),
            Provider::Gemini => ("createGoogleGenerativeAI", "@ai-sdk/google", format!("{root}/v1beta"), "provider"),
            Provider::OpenAi => ("createOpenAI", "@ai-sdk/openai", openai.clone(), "provider"),
            _ => ("createOpenAI", "@ai-sdk/openai", openai.clone(), "provider.chat"),
        };
        format!(
            "import {{ {make} }} from \"{package}\";\n\nconst provider = {make}({{\n  baseURL: \"{base}\",\n  apiKey: \"TOKEN\",\n}});\n\
             const model = {call}(\"MODEL\");"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_name_the_route_as_each_client_wants_it() {
        for (kind, provider, part) in [
            (Snippet::Environment, Provider::Anthropic, "ANTHROPIC_BASE_URL=http://h:1/anthropic\n"),
            (Snippet::Environment, Provider::OpenAi, "OPENAI_BASE_URL=http://h:1/openai/v1\n"),
            (Snippet::Python, Provider::OpenAi, "base_url=\"http://h:1/openai/v1\""),
            (Snippet::Python, Provider::DeepSeek, "base_url=\"http://h:1/deepseek\""),
            (Snippet::Python, Provider::Gemini, "base_url=\"http://h:1/gemini\""),
            (Snippet::TypeScript, Provider::Custom, "baseURL: \"http://h:1/custom/groq\""),
            (Snippet::Curl, Provider::Gemini, "http://h:1/gemini/v1beta/models"),
            (Snippet::ClaudeCode, Provider::OpenAi, "ANTHROPIC_BASE_URL=http://h:1/anthropic\n"),
            (Snippet::Codex, Provider::Anthropic, "base_url = \"http://h:1/openai/v1\""),
            (Snippet::GeminiCli, Provider::OpenAi, "GOOGLE_GEMINI_BASE_URL=http://h:1/gemini\n"),
            (Snippet::Llm, Provider::Gemini, "endpoint http://h:1/gemini/v1beta/openai "),
            (Snippet::LiteLlm, Provider::Gemini, "api_base=\"http://h:1/gemini/v1beta\""),
            (Snippet::LiteLlm, Provider::Custom, "model=\"openai/MODEL\",\n    api_base=\"http://h:1/custom/groq\""),
            (Snippet::AiSdk, Provider::Anthropic, "baseURL: \"http://h:1/anthropic/v1\""),
            (Snippet::AiSdk, Provider::DeepSeek, "provider.chat(\"MODEL\")"),
        ] {
            let text = kind.text(provider, "http://h:1", "groq");
            assert!(text.contains(part), "{kind:?} {provider:?}: {text}");
        }
    }

    #[test]
    fn every_snippet_has_a_place_for_the_token() {
        for (kind, provider) in Snippet::ALL.into_iter().flat_map(|kind| Provider::ALL.map(|provider| (kind, provider))) {
            assert!(kind.text(provider, "http://h:1", "groq").contains("TOKEN"), "{kind:?} {provider:?}");
        }
    }
}
