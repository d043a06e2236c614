#version 330
// How much of the light a vehicle takes from the road, as cover in alpha.
uniform float density;
out vec4 radiance;
void main() { radiance = vec4(0.0, 0.0, 0.0, density); }
