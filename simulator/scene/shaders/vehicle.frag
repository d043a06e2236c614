#version 330
#include light.glsl
uniform sampler2D color;    // square roots of linear color
uniform sampler2D finish;    // coat, mirror, lamp, retro
uniform sampler2D relief;    // slopes
uniform vec2 extent;         // reach in x and top in y of the skin, meters
uniform vec3 paint;
uniform float flake;         // metallic sparkle
uniform float paint_coat;
uniform float belt;          // height of the lower edge of the side windows
uniform float roof;
uniform vec4 axles;          // z of the two axles, tire radius, body length
uniform float lamps;         // light of the lamps, in white sheets
uniform vec3 lamp_tint;
uniform float flatten;
in vec3 at;
in vec3 facing;
in vec2 uv;
in float own_height;
flat in float kind;
out vec4 radiance;

void main() {
    vec3 n = normalize(facing);
    vec3 v = normalize(eye - at);
    if (dot(n, v) < 0.0) n = -n;
    vec3 base = paint;
    vec4 surface = vec4(paint_coat, 0.0, 0.0, 0.0);
    float sparkle = flake;
    if (kind < 0.5) {
        vec2 place = vec2(uv.x / extent.x * 0.5 + 0.5, 1.0 - uv.y / extent.y);
        base = texture(color, place).rgb;
        base *= base;
        surface = texture(finish, place);
        sparkle *= step(0.5, surface.r) * step(surface.r, 0.9) ;
        vec2 slope = (texture(relief, place).rg * 255.0 - 128.0) / 127.0;
        n = normalize(n - vec3(slope, 0.0) * (0.3 + 0.7 * abs(n.z)));
    } else if (kind < 1.5) {
        float z = uv.x, y = uv.y;
        float wheel = min(distance(vec2(z, y), vec2(axles.x, axles.z)), distance(vec2(z, y), vec2(axles.y, axles.z)));
        if (y > belt + 0.05 && y < roof - 0.09) { base = vec3(0.010); surface = vec4(0.45, 0.0, 0.0, 0.0); sparkle = 0.0; }
        if (abs(y - belt - 0.05) < 0.012) { base = vec3(0.01); }
        if (wheel < axles.z + 0.06) { base = vec3(0.006); surface = vec4(0.0); }
        if (y < 0.27) { base = mix(base, vec3(0.02), 0.8); surface.r *= 0.3; }
        n = normalize(n + vec3(0.0, (y - 0.62) * 0.35, 0.0));
    } else if (kind < 2.5) {
        base = vec3(0.016); surface = vec4(0.0); sparkle = 0.0;
    } else if (kind < 3.5) {
        surface = vec4(paint_coat, 0.0, 0.0, 0.0);
    } else if (kind < 4.5) {
        base = vec3(0.008); surface = vec4(0.0); sparkle = 0.0;
    } else {
        base = vec3(0.6); surface = vec4(0.3, 0.7, 0.0, 0.0); sparkle = 0.0;
    }
    float cosine = clamp(dot(n, v), 0.0, 1.0);
    float sunny = max(dot(n, sun), 0.0);
    float open = mix(0.25, 1.0, smoothstep(0.02, 0.75, own_height));
    float upward = n.y * 0.5 + 0.5;
    vec3 ambient = mix(ground * open * 0.8, mix(horizon, zenith, upward), 0.12 + 0.88 * upward) * mix(0.75, 1.0, open);
    vec3 light = sun_light * sunny + ambient;
    vec3 mirrored = reflect(-v, n);
    vec3 seen = surroundings(mirrored);
    float gleam = max(dot(mirrored, sun), 0.0);
    vec3 sun_spot = sun_light * (pow(gleam, 900.0) * 22.0 + pow(gleam, 60.0) * 0.35) * (1.0 - overcast * 0.9);
    vec3 halfway = normalize(v + sun);
    vec3 out_light = base * light;
    out_light += base * sparkle * (sun_light * pow(max(dot(n, halfway), 0.0), 14.0) * 1.1 + seen * 0.35);
    out_light *= 1.0 - 0.92 * surface.g;
    // Glass (full coat) reflects on both faces; clear coat on one.
    float coat = surface.r * fresnel(surface.r > 0.95 ? 0.10 : 0.05, cosine);
    out_light += coat * (seen + sun_spot) * mix(0.4, 1.0, open);
    out_light += surface.g * (seen + sun_spot) * mix(vec3(1.0), base + 0.25, 0.6) * mix(0.35, 1.0, open);
    // The post's own lamp: falls off with distance, comes straight back from retro-reflectors.
    float reach = lamp_power * 400.0 / dot(eye - at, eye - at);
    out_light += reach * (base * cosine * 0.8 + surface.r * 0.02 * pow(cosine, 40.0) + surface.g * 0.12 * pow(cosine, 6.0) + surface.a * 1.6);
    out_light += surface.b * lamps * lamp_tint * mix(0.35, 1.0, pow(max(dot(n, v), 0.0), 2.0));
    radiance = vec4(out_light, 1.0);
    if (flatten > 1.5) radiance *= 1.0;
}
