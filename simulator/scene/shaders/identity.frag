#version 330
// Which plate is where, for the truth's visible share.
uniform float identity;
out vec4 radiance;
void main() { radiance = vec4(identity, 0.0, 0.0, 1.0); }
