//! How a client is pointed at the gateway, ready to paste.

use egui::{Align, Frame, Label, Layout, Ui};

use crate::domain::Provider;

use super::super::super::scene::Scene;
use super::super::super::theme::{colors, corner, mono, theme};
use super::super::super::widgets::copy::copy;
use super::super::super::widgets::page;
use super::super::history::combo;
use super::AccountsState;

/// A way to write it down.
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
}

impl Snippet {
    /// Every way.
    pub const ALL: [Self; 6] = [Self::Environment, Self::Python, Self::TypeScript, Self::Curl, Self::ClaudeCode, Self::Codex];

    /// Its name on the button.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Environment => "Environment",
            Self::Python => "Python",
            Self::TypeScript => "TypeScript",
            Self::Curl => "curl",
            Self::ClaudeCode => "Claude Code",
            Self::Codex => "Codex",
        }
    }
}

/// Draws the choice and the snippet.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, state: &mut AccountsState) {
    page::group(ui, "Connect a client", "only the base URL and the key change");
    page::rule(ui);
    ui.add_space(theme().space.tight);
    let first = scene.view.accounts.first().map_or(Provider::Anthropic, |a| a.account.provider);
    let provider = state.snippet_for.unwrap_or(first);
    let custom = scene.view.accounts.iter().find(|a| a.account.provider == Provider::Custom).map_or("LABEL", |a| a.account.label.as_str());
    let text = snippet(state.snippet, provider, scene.gateway_url(), custom);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme().space.hair;
        for snippet in Snippet::ALL {
            ui.selectable_value(&mut state.snippet, snippet, snippet.name());
        }
        if !matches!(state.snippet, Snippet::ClaudeCode | Snippet::Codex) {
            ui.add_space(theme().space.close);
            combo(ui, "Provider of the snippet", provider.title(), 96.0, |ui| {
                for choice in Provider::ALL {
                    ui.selectable_value(&mut state.snippet_for, Some(choice), choice.title());
                }
            });
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| copy(ui, "Copy the snippet", &text));
    });
    ui.add_space(theme().space.tight);
    let c = colors(ui);
    Frame::new()
        .fill(c.panel.into())
        .stroke((1.0, egui::Color32::from(c.line)))
        .corner_radius(corner(theme().size.radius))
        .inner_margin(10.0)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(Label::new(mono(&text)).wrap().selectable(true));
        });
    super::remark(ui, "TOKEN stands for a local token: the window does not know one after it was shown.");
}

/// The text to paste. TOKEN stands for a local token: the window never knows one after it was shown.
#[must_use]
pub fn snippet(snippet: Snippet, provider: Provider, gateway: &str, custom_label: &str) -> String {
    let root = match provider {
        Provider::Custom => format!("{gateway}/custom/{custom_label}"),
        other => format!("{gateway}/{}", other.name()),
    };
    // OpenAI's SDKs want the version in the base URL, the others add it themselves
    let openai = match provider {
        Provider::OpenAi => format!("{root}/v1"),
        _ => root.clone(),
    };
    match (snippet, provider) {
        (Snippet::ClaudeCode, _) => format!("ANTHROPIC_BASE_URL={gateway}/anthropic ANTHROPIC_API_KEY=TOKEN claude"),
        // Codex has no variable for the URL; since early 2026 it speaks the Responses API only (its configuration reference, 2026-10)
        (Snippet::Codex, _) => format!(
            "# ~/.codex/config.toml\nmodel_provider = \"tierline\"\n\n[model_providers.tierline]\nname = \"Tierline\"\n\
             base_url = \"{gateway}/openai/v1\"\nenv_key = \"TIERLINE_TOKEN\"\nwire_api = \"responses\"\n\n# in the shell\n\
             export TIERLINE_TOKEN=TOKEN"
        ),
        (Snippet::Environment, Provider::Anthropic) => format!("export ANTHROPIC_BASE_URL={root}\nexport ANTHROPIC_API_KEY=TOKEN"),
        (Snippet::Environment, Provider::Gemini) => format!("export GOOGLE_GEMINI_BASE_URL={root}\nexport GEMINI_API_KEY=TOKEN"),
        (Snippet::Environment, _) => format!("export OPENAI_BASE_URL={openai}\nexport OPENAI_API_KEY=TOKEN"),
        (Snippet::Python, Provider::Anthropic) => {
            format!("from anthropic import Anthropic\n\nclient = Anthropic(\n    base_url=\"{root}\",\n    api_key=\"TOKEN\",\n)")
        }
        (Snippet::Python, Provider::Gemini) => format!(
            "from google import genai\nfrom google.genai import types\n\nclient = genai.Client(\n    api_key=\"TOKEN\",\n    http_options=types.HttpOptions(base_url=\"{root}\"),\n)"
        ),
        (Snippet::Python, _) => {
            format!("from openai import OpenAI\n\nclient = OpenAI(\n    base_url=\"{openai}\",\n    api_key=\"TOKEN\",\n)")
        }
        (Snippet::TypeScript, Provider::Anthropic) => {
            format!(
                "import Anthropic from \"@anthropic-ai/sdk\";\n\nconst client = new Anthropic({{\n  baseURL: \"{root}\",\n  apiKey: \"TOKEN\",\n}});"
            )
        }
        (Snippet::TypeScript, Provider::Gemini) => format!(
            "import {{ GoogleGenAI }} from \"@google/genai\";\n\nconst client = new GoogleGenAI({{\n  apiKey: \"TOKEN\",\n  httpOptions: {{ baseUrl: \"{root}\" }},\n}});"
        ),
        (Snippet::TypeScript, _) => {
            format!("import OpenAI from \"openai\";\n\nconst client = new OpenAI({{\n  baseURL: \"{openai}\",\n  apiKey: \"TOKEN\",\n}});")
        }
        (Snippet::Curl, Provider::Anthropic) => {
            format!("curl {root}/v1/models \\\n  -H \"x-api-key: TOKEN\" \\\n  -H \"anthropic-version: 2023-06-01\"")
        }
        (Snippet::Curl, Provider::Gemini) => format!("curl {root}/v1beta/models \\\n  -H \"x-goog-api-key: TOKEN\""),
        (Snippet::Curl, _) => format!("curl {openai}/models \\\n  -H \"Authorization: Bearer TOKEN\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_name_the_route_as_each_sdk_wants_it() {
        for (kind, provider, part) in [
            (Snippet::Environment, Provider::Anthropic, "ANTHROPIC_BASE_URL=http://h:1/anthropic\n"),
            (Snippet::Environment, Provider::OpenAi, "OPENAI_BASE_URL=http://h:1/openai/v1\n"),
            (Snippet::Python, Provider::OpenAi, "base_url=\"http://h:1/openai/v1\""),
            (Snippet::Python, Provider::DeepSeek, "base_url=\"http://h:1/deepseek\""),
            (Snippet::Python, Provider::Gemini, "base_url=\"http://h:1/gemini\""),
            (Snippet::TypeScript, Provider::Custom, "baseURL: \"http://h:1/custom/groq\""),
            (Snippet::Curl, Provider::Gemini, "http://h:1/gemini/v1beta/models"),
            (Snippet::ClaudeCode, Provider::OpenAi, "ANTHROPIC_BASE_URL=http://h:1/anthropic"),
            (Snippet::Codex, Provider::Anthropic, "base_url = \"http://h:1/openai/v1\""),
        ] {
            let text = snippet(kind, provider, "http://h:1", "groq");
            assert!(text.contains(part), "{kind:?} {provider:?}: {text}");
        }
    }
}
