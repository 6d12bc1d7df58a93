// Browsers start no worker from a file. Where these pages are opened as files, the search runs in a hidden frame instead, which
// passes messages as a worker does.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(script) {
      super();
      this.onmessage = null;
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "search";
      frame.srcdoc = "<!DOCTYPE html>";
      frame.addEventListener("load", () => this.start(frame, new URL(script, document.baseURI)), {once: true});
      document.body.append(frame);
    }

    start(frame, script) {
      const inside = frame.contentWindow;
      inside.postMessage = (data) => {
        const event = new MessageEvent("message", {data});
        this.dispatchEvent(event);
        if (this.onmessage) this.onmessage(event);
      };
      inside.importScripts = (...names) => Promise.all(names.map((name) => this.load(inside, new URL(name, script))));
      this.load(inside, script).then(() => {
        this.inside = inside;
        this.waiting.splice(0).forEach((data) => this.postMessage(data));
      });
    }

    load(inside, address) {
      return new Promise((done, failed) => {
        const tag = inside.document.createElement("script");
        tag.src = address.href;
        tag.onload = done;
        tag.onerror = failed;
        inside.document.head.append(tag);
      });
    }

    postMessage(data) {
      if (!this.inside) this.waiting.push(data);
      else this.inside.dispatchEvent(new this.inside.MessageEvent("message", {data}));
    }

    terminate() {}
  };
}
