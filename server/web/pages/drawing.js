// Draws what drawing.py writes: [[kind, attributes, [text or part, ...]], ...].
import { h } from "vue";

const drawn = (part) =>
  typeof part === "string" ? part : h(part[0], part[1], part[2].map(drawn));

export default {
  props: { shown: String },
  computed: {
    parts() {
      return JSON.parse(this.shown);
    },
  },
  render() {
    return h("div", this.parts.map(drawn));
  },
};
