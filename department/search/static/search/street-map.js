// <street-map>: streets, posts with what their cameras see, a hit, and earlier reads of its plate, drawn by MapLibre.
// What it shows is its attribute `data-map`, as `StreetMap.json` of the department. The list of places within it says the
// same without WebGL. It draws into a shadow root, so whatever redraws the page leaves the map alone.
"use strict";

const LIGHT = { ground: "#eceff3", water: "#b7d3ea", land: "#dcebd7", building: "#d8dde4", road: "#ffffff", edge: "#a9b4c2",
  text: "#333d49", halo: "#ffffff", post: "#1b4f9c", seen: "#1b4f9c", hit: "#b3140b", trail: "#7a4700" };
const DARK = { ground: "#161c24", water: "#16324a", land: "#1a2a20", building: "#232c37", road: "#4a5665", edge: "#0c1117",
  text: "#dbe2ea", halo: "#10141a", post: "#8fbaf7", seen: "#8fbaf7", hit: "#ff6b5f", trail: "#ffcf7a" };
const METERS = 111320;  // of a degree of latitude
const MOST_TEXTS = 4;  // of one place
const STYLE = `
  :host { display: block; }
  #map { position: relative; height: var(--map-height, 22rem); border: 1px solid var(--edge); border-radius: 0.4rem; overflow: hidden; }
  #map canvas { position: absolute; left: 0; top: 0; }
  #map canvas:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; }
  .maplibregl-control-container { display: none; }
  #buttons { position: absolute; z-index: 1; top: 0.5rem; right: 0.5rem; display: grid; gap: 0.3rem; }
  button { width: 2.2rem; height: 2.2rem; border: 1px solid var(--edge); border-radius: 0.3rem; background: var(--card); color: var(--ink);
    font: 600 1.2rem/1 var(--sans); cursor: pointer; }
  button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  /* On paper: the picture that was drawn, as wide as the paper, and light where the screen was dark. */
  @media print {
    #buttons { display: none; }
    #map { height: auto; }
    #map canvas { position: static; width: 100% !important; height: auto !important; }
    #map.dark canvas { filter: invert(1) hue-rotate(180deg); }
  }
  #credit { margin: 0.1rem 0 0; color: var(--soft); font-size: 0.8rem; }
`;
const dark = matchMedia("(prefers-color-scheme: dark)");

let library = null;
async function maplibre(address, worker) {
  library ??= import(address).then((loaded) => {
    loaded.setWorkerUrl(new URL(worker, location.href).href);
    return loaded;
  });
  return library;
}

const drawable = () => Boolean(document.createElement("canvas").getContext("webgl2"));
const known = (place) => place !== null && place.longitude !== null && place.latitude !== null;
const at = (place) => [place.longitude, place.latitude];

// A point so many meters from another one.
function beyond([longitude, latitude], degrees, meters) {
  const angle = degrees * Math.PI / 180;
  return [longitude + meters * Math.sin(angle) / (METERS * Math.cos(latitude * Math.PI / 180)), latitude + meters * Math.cos(angle) / METERS];
}

// What a camera sees: a sector, wide enough to be seen on the map.
function sector(post) {
  const reach = Math.max(post.reach, 60), ring = [at(post)];
  for (let step = -4; step <= 4; step++) ring.push(beyond(at(post), post.heading + post.angle * step / 8, reach));
  return [...ring, at(post)];
}

// An arrow in the direction of travel.
function arrow(hit) {
  const tip = beyond(at(hit), hit.heading, 90), side = (turn) => beyond(at(hit), hit.heading + turn, 45);
  return [beyond(at(hit), hit.heading, 30), side(-28), tip, side(28), beyond(at(hit), hit.heading, 30)];
}

const feature = (type, coordinates, properties = {}) => ({ type: "Feature", properties, geometry: { type, coordinates } });
const collection = (features) => ({ type: "FeatureCollection", features });

// Lines between consecutive reads of one trip; what comes before a hit leads to it.
function legs(trail, hit) {
  const way = [...trail, ...hit.map((each) => ({ ...each, trip: trail.at(-1)?.trip }))], lines = [];
  for (let number = 1; number < way.length; number++) {
    const [from, to] = [way[number - 1], way[number]];
    const isSame = from.longitude === to.longitude && from.latitude === to.latitude;
    if (from.trip === to.trip && !isSame) lines.push(feature("LineString", [at(from), at(to)]));
  }
  return lines;
}

// A dot for each place, with the texts of all that is there below one another, up to some.
function labeled(trail) {
  const places = new Map();
  for (const each of trail) {
    const place = at(each).join();
    places.set(place, [...(places.get(place) ?? []), each]);
  }
  return [...places.values()].map((there) => {
    const texts = there.slice(0, MOST_TEXTS).map((each) => each.text);
    if (there.length > MOST_TEXTS) texts.push("\u2026");
    return feature("Point", at(there[0]), { text: texts.join("\n") });
  });
}

function sources(shown) {
  const posts = shown.posts.filter(known), trail = shown.trail.filter(known), hit = known(shown.hit) ? [shown.hit] : [];
  return {
    sectors: collection(posts.filter((each) => each.heading !== null).map((each) => feature("Polygon", [sector(each)]))),
    posts: collection(posts.map((each) => feature("Point", at(each), { text: each.text }))),
    way: collection(shown.joined ? legs(trail, hit) : []),
    trail: collection(labeled(trail)),
    hit: collection(hit.map((each) => feature("Point", at(each), { text: each.text }))),
    arrow: collection(hit.filter((each) => each.heading !== null).map((each) => feature("Polygon", [arrow(each)]))),
  };
}

// Streets by the layers of a Protomaps basemap, which `pmtiles extract` cuts from OpenStreetMap.
function streets(colors) {
  const wide = (large, small) => ["match", ["get", "kind"], ["highway", "major_road"], large, small];
  const road = (id, color, edge) => ({ id, type: "line", source: "streets", "source-layer": "roads", layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": color, "line-width": ["interpolate", ["exponential", 1.6], ["zoom"], 10, wide(1.2, 0.4), 14, wide(5 + edge, 2.5 + edge), 17, wide(20 + edge, 12 + edge)] } });
  return [
    { id: "land", type: "fill", source: "streets", "source-layer": "landuse", paint: { "fill-color": colors.land } },
    { id: "water", type: "fill", source: "streets", "source-layer": "water", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colors.water } },
    { id: "buildings", type: "fill", source: "streets", "source-layer": "buildings", minzoom: 15, paint: { "fill-color": colors.building } },
    road("road-edges", colors.edge, 2), road("roads", colors.road, 0),
    { id: "street-names", type: "symbol", source: "streets", "source-layer": "roads", minzoom: 13,
      layout: { "symbol-placement": "line", "text-field": ["coalesce", ["get", "name"], ""], "text-size": 12 },
      paint: { "text-color": colors.text, "text-halo-color": colors.halo, "text-halo-width": 1.5 } },
  ];
}

function style(shown, tiles) {
  const colors = dark.matches ? DARK : LIGHT, data = sources(shown);
  // Where a text would cover another one, it goes to another side of its dot.
  const label = (source, color, size, offset) => ({ id: `${source}-names`, type: "symbol", source,
    layout: { "text-field": ["get", "text"], "text-size": size, "text-radial-offset": offset, "text-justify": "auto",
      "text-variable-anchor": ["top", "bottom", "left", "right", "top-left", "top-right", "bottom-left", "bottom-right"] },
    paint: { "text-color": color, "text-halo-color": colors.halo, "text-halo-width": 2 } });
  const dot = (source, color, radius) => ({ id: source, type: "circle", source,
    paint: { "circle-radius": radius, "circle-color": color, "circle-stroke-color": colors.halo, "circle-stroke-width": 2 } });
  return {
    version: 8,
    sources: {
      ...(shown.tiles ? { streets: { type: "vector", tiles: [tiles], minzoom: shown.tiles.minzoom, maxzoom: shown.tiles.maxzoom } } : {}),
      ...Object.fromEntries(Object.entries(data).map(([name, each]) => [name, { type: "geojson", data: each }])),
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": colors.ground } },
      ...(shown.tiles ? streets(colors) : []),
      { id: "sectors", type: "fill", source: "sectors", paint: { "fill-color": colors.seen, "fill-opacity": 0.35 } },
      { id: "way", type: "line", source: "way", paint: { "line-color": colors.trail, "line-width": 3, "line-dasharray": [2, 1.5] } },
      { id: "way-arrows", type: "symbol", source: "way", paint: { "text-color": colors.trail, "text-halo-color": colors.halo, "text-halo-width": 1 },
        layout: { "symbol-placement": "line-center", "text-field": "\u25b6", "text-size": 18, "text-keep-upright": false, "text-allow-overlap": true, "text-ignore-placement": true } },
      dot("posts", colors.post, 5), dot("trail", colors.trail, 6),
      { id: "arrow", type: "fill", source: "arrow", paint: { "fill-color": colors.hit } },
      dot("hit", colors.hit, 9), label("hit", colors.hit, 15, 0.9), label("trail", colors.trail, 13, 0.7), label("posts", colors.text, 12, 0.6),
    ],
  };
}

function bounds(shown) {
  const near = [...shown.trail, shown.hit].filter((each) => each && known(each));
  const points = (near.length ? near : shown.posts.filter(known)).map(at);
  const longitudes = points.map(([each]) => each), latitudes = points.map(([, each]) => each);
  return [[Math.min(...longitudes), Math.min(...latitudes)], [Math.max(...longitudes), Math.max(...latitudes)]];
}

class StreetMap extends HTMLElement {
  static observedAttributes = ["data-map"];
  #map = null;
  #root = null;
  #restyle = () => {
    this.#map?.setStyle(style(this.#shown(), this.#tiles()));
    this.#root?.getElementById("map").classList.toggle("dark", dark.matches);
  };

  #shown() { return JSON.parse(this.dataset.map); }
  #tiles() { return `${location.origin}${this.dataset.tiles}`; }

  async connectedCallback() {
    if (this.#root !== null) return;
    const places = this.#shown();
    if (![...places.posts, places.hit].some((each) => each && known(each)) || !drawable()) { this.#without(); return; }
    this.#root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    this.#root.adoptedStyleSheets = [sheet];
    const box = Object.assign(document.createElement("div"), { id: "map", className: dark.matches ? "dark" : "" }), credit = Object.assign(document.createElement("p"), { id: "credit" });
    this.#root.append(box, credit, document.createElement("slot"));
    this.querySelector("details").open = false;
    try {
      const { Map } = await maplibre(this.dataset.library, this.dataset.worker);
      if (!this.isConnected) return;
      const shown = this.#shown();
      this.#map = new Map({ container: box, style: style(shown, this.#tiles()), bounds: bounds(shown), fitBoundsOptions: { padding: 60, maxZoom: 15.5 },
        attributionControl: false, canvasContextAttributes: { preserveDrawingBuffer: true }, scrollZoom: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, fadeDuration: 0 });
      this.#map.touchZoomRotate.disableRotation();
      this.#map.getCanvas().setAttribute("aria-label", this.dataset.label);
      this.#map.on("idle", () => this.setAttribute("data-drawn", ""));
      credit.textContent = (shown.tiles?.attribution ?? "").replace(/<[^>]*>/g, "");
      this.#buttons(box);
      dark.addEventListener("change", this.#restyle);
    } catch {
      box.remove();
      this.#without();
    }
  }

  disconnectedCallback() {
    dark.removeEventListener("change", this.#restyle);
    this.#map?.remove();
    this.#map = null;
  }

  attributeChangedCallback() {
    if (this.#map === null) return;
    this.removeAttribute("data-drawn");
    const shown = this.#shown();
    this.#map.setStyle(style(shown, this.#tiles()));
    this.#map.fitBounds(bounds(shown), { padding: 60, maxZoom: 15.5, animate: false });
  }

  // Buttons as well as keys: + and - and the arrows work once the map has the focus.
  #buttons(box) {
    const buttons = Object.assign(document.createElement("div"), { id: "buttons" });
    for (const [sign, label, act] of [["+", this.dataset.closer, "zoomIn"], ["\u2212", this.dataset.farther, "zoomOut"]]) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: sign, ariaLabel: label });
      button.addEventListener("click", () => this.#map?.[act]({ animate: false }));
      buttons.append(button);
    }
    box.append(buttons);
  }

  #without() {
    this.querySelector(".no-map")?.removeAttribute("hidden");
    this.querySelector("details").open = true;
  }
}

customElements.define("street-map", StreetMap);
