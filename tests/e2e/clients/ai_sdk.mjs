// A text and a stream with a tool for each model named, and what each took by the SDK's own word.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, jsonSchema, streamText, tool } from "ai";

const { BASE: baseURL, TOKEN: apiKey } = process.env;
const models = {
  anthropic: () => createAnthropic({ baseURL, apiKey })("claude-sonnet-5-5"),
  openai: () => createOpenAI({ baseURL, apiKey })("gpt-5.4-mini"),
  "openai-chat": () => createOpenAI({ baseURL, apiKey }).chat("gpt-5.4-mini"),
};
const inputSchema = jsonSchema({ type: "object", properties: { city: { type: "string" } }, required: ["city"] });
const tools = { get_weather: tool({ description: "The weather at a place", inputSchema, execute: async () => "rain" }) };

function tell({ inputTokenDetails: input, outputTokens, outputTokenDetails }) {
  const said = { input: input.noCacheTokens, cache_read: input.cacheReadTokens, cache_write: input.cacheWriteTokens };
  console.log(JSON.stringify({ ...said, output: outputTokens, reasoning: outputTokenDetails.reasoningTokens }));
}

for (const model of process.argv.slice(2).map((name) => models[name]())) {
  tell((await generateText({ model, prompt: "Say something.", maxOutputTokens: 200, maxRetries: 0 })).usage);
  const stream = streamText({ model, prompt: "Use get_weather.", tools, stopWhen: isStepCount(3), maxRetries: 0 });
  await stream.consumeStream();
  tell(await stream.totalUsage);
}
