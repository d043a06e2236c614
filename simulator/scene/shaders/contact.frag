#version 330
// The dark beneath a vehicle, where the sky does not reach; uv runs in meters around its footprint.
uniform vec2 half_size;
uniform float density;
in vec2 uv;
out vec4 radiance;
void main() {
    vec2 outside = max(abs(uv) - half_size + 0.25, 0.0);
    float far = length(outside);
    radiance = vec4(0.0, 0.0, 0.0, density * (1.0 - smoothstep(0.0, 0.75, far)));
}
