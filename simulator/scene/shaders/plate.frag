#version 330
#include light.glsl
uniform sampler2D color;
uniform float retro;         // how much of the lamp's light the ground sends back
uniform float shade;         // of the recess above it
in vec3 at;
in vec3 facing;
in vec2 uv;
in float own_height;
flat in float kind;
out vec4 radiance;
void main() {
    vec4 drawn = texture(color, uv);
    if (drawn.a < 0.5) discard;
    vec3 base = drawn.rgb * drawn.rgb;
    vec3 n = normalize(facing);
    vec3 v = normalize(eye - at);
    float upward = n.y * 0.5 + 0.5;
    vec3 ambient = mix(ground * 0.6, mix(horizon, zenith, upward), 0.2 + 0.8 * upward);
    vec3 lit = base * (sun_light * max(dot(n, sun), 0.0) + ambient) * shade;
    lit += 0.04 * fresnel(0.04, max(dot(n, v), 0.0)) * surroundings(reflect(-v, n));
    float reach = lamp_power * 400.0 / dot(eye - at, eye - at);
    float sheet = dot(base, vec3(0.33));
    lit += reach * (base * 0.8 + retro * 2.2 * sheet * sqrt(sheet));
    radiance = vec4(lit, 1.0);
}
