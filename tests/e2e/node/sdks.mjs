// The official SDKs for Node: one call and one stream each, and a wrong key.
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

const { TIERLINE_URL: URL, TIERLINE_TOKEN: TOKEN, LEDGER } = process.env;

/** One line for `check.py`; `input` is what came from no cache. */
function note(provider, model, { input, output, cacheRead = 0, cacheWrite = 0, reasoning = 0 }) {
  const row = {
    provider,
    model,
    input_tokens: input,
    cache_read_tokens: cacheRead ?? 0,
    cache_write_tokens: cacheWrite ?? 0,
    output_tokens: output ?? 0,
    reasoning_tokens: reasoning ?? 0,
  };
  appendFileSync(LEDGER, JSON.stringify(row) + "\n");
}

async function anthropic() {
  const model = "claude-sonnet-5-5";
  const make = (apiKey) => new Anthropic({ baseURL: `${URL}/anthropic`, apiKey, maxRetries: 0 });
  const ask = { model, max_tokens: 200, messages: [{ role: "user", content: "Say something." }] };
  const count = ({ usage }) =>
    note("anthropic", model, {
      input: usage.input_tokens,
      output: usage.output_tokens,
      cacheRead: usage.cache_read_input_tokens,
      cacheWrite: usage.cache_creation_input_tokens,
    });
  count(await make(TOKEN).messages.create(ask));
  count(await make(TOKEN).messages.stream(ask).finalMessage());
  await assert.rejects(make("sk-not-a-key").messages.create(ask), Anthropic.AuthenticationError);
}

async function openai() {
  const model = "gpt-5.4-mini";
  const make = (apiKey) => new OpenAI({ baseURL: `${URL}/openai/v1`, apiKey, maxRetries: 0 });
  const ask = { model, max_tokens: 200, messages: [{ role: "user", content: "Say something." }] };
  const count = (usage) => {
    const cacheRead = usage.prompt_tokens_details?.cached_tokens ?? 0;
    note("openai", model, {
      input: usage.prompt_tokens - cacheRead,
      output: usage.completion_tokens,
      cacheRead,
      reasoning: usage.completion_tokens_details?.reasoning_tokens,
    });
  };
  count((await make(TOKEN).chat.completions.create(ask)).usage);
  let usage;
  for await (const chunk of await make(TOKEN).chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } })) {
    usage = chunk.usage ?? usage;
  }
  count(usage);
  await assert.rejects(make("sk-not-a-key").chat.completions.create(ask), OpenAI.AuthenticationError);
}

async function gemini() {
  const model = "gemini-3.8-flash";
  const make = (apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${URL}/gemini` } });
  const ask = { model, contents: "Say something.", config: { maxOutputTokens: 200 } };
  const count = (usage) => {
    const cacheRead = usage.cachedContentTokenCount ?? 0;
    const reasoning = usage.thoughtsTokenCount ?? 0;
    note("gemini", model, { input: usage.promptTokenCount - cacheRead, output: (usage.candidatesTokenCount ?? 0) + reasoning, cacheRead, reasoning });
  };
  count((await make(TOKEN).models.generateContent(ask)).usageMetadata);
  let usage;
  for await (const chunk of await make(TOKEN).models.generateContentStream(ask)) {
    usage = chunk.usageMetadata ?? usage;
  }
  count(usage);
  await assert.rejects(make("not-a-key").models.generateContent(ask), (error) => error.status === 401);
}

await anthropic();
await openai();
await gemini();
