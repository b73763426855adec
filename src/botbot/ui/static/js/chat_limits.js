// What is left this minute and when there is more, in words that count down.

const FEW = 3;
const seconds = (count) => (count === 1 ? "1 second" : `${count} seconds`);

// Calls `each` with the whole seconds left, now and then every second, until none are. Answers how to end it earlier.
export function countdown(left, each) {
  const until = Date.now() + left * 1000;
  let timer = 0;
  const tick = () => {
    const rest = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    if (!rest) clearInterval(timer);
    each(rest);
  };
  timer = setInterval(tick, 1000);
  tick();
  return () => clearInterval(timer);
}

// A button that can be pressed once its time has come. The time also passes while the button is away: it may come back.
export function enableIn(button, wait, say) {
  countdown(wait, (left) => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    if (wait && !left && button.isConnected) say("You can try again now.");
  });
}

// The line below the composer: silent while there are many left.
export class Left {
  constructor(line, say) {
    Object.assign(this, { line, say });
  }

  show(remaining, resetAfter) {
    this.end();
    this.line.hidden = remaining > FEW || !resetAfter;
    if (this.line.hidden) return;
    const words = remaining ? `${remaining} ${remaining === 1 ? "message" : "messages"} left this minute` : "That was the last message for now";
    this.say(`${words}. More in ${seconds(Math.ceil(resetAfter))}.`);
    this.stop = countdown(resetAfter, (left) => {
      this.line.textContent = `${words} · more in ${left} s`;
      if (left) return;
      this.line.textContent = "You can go on: there are more messages again";
      this.say("There are more messages again.");
      this.stop = countdown(5, (rest) => { this.line.hidden = !rest; });
    });
  }

  end() {
    this.stop?.();
  }
}
