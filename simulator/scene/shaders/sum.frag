#version 330
uniform sampler2D sample_;
uniform float weight;
in vec2 uv;
out vec4 radiance;
void main() { radiance = texture(sample_, uv) * weight; }
