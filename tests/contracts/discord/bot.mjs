// A discord.js bot that knows nothing of the sandbox but its address. Prints one JSON line per thing that happens.
import { Client, Events, GatewayIntentBits } from "discord.js";

const say = (what) => console.log(JSON.stringify(what));
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
  allowedMentions: { parse: [] },
  rest: { api: `${process.env.SANDBOX_URL}/api`, version: "10" },
});

client.on(Events.ClientReady, () => say({ ready: client.user.id, guilds: client.guilds.cache.map((each) => each.name) }));
client.on(Events.ShardResume, () => say({ resumed: true }));
client.on(Events.MessageCreate, async (message) => {
  say({ heard: message.content });
  if (message.author.bot || !message.mentions.users.has(client.user.id)) return;
  await message.channel.sendTyping();
  await message.reply({ content: `js heard: ${message.content}` });
});
process.on("SIGTERM", () => client.destroy().then(() => process.exit(0)));
await client.login(process.env.SANDBOX_TOKEN);
