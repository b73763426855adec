// A long import goes on by itself while its page is looked at; without a script, its button does it.
document.querySelector("[data-goes-on]")?.requestSubmit();
