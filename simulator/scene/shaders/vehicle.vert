#version 330
// A vehicle's vertices: its own axes -> the street -> the frame, or flattened along the sun's rays onto the road.
uniform mat4 street;      // vehicle -> street
uniform mat4 frame;       // street -> clip
uniform vec3 sun;         // towards the sun
uniform float flatten;    // 1: cast onto the road; 2: mirrored in the road; 0: as it is
in vec3 position;
in vec3 normal;
in vec2 skin;
in float material;
out vec3 at;
out vec3 facing;
out vec2 uv;
out float own_height;
flat out float kind;
void main() {
    vec4 placed = street * vec4(position, 1.0);
    at = placed.xyz;
    facing = mat3(street) * normal;
    uv = skin;
    own_height = position.y;
    kind = material;
    if (flatten > 1.5) {
        placed.y = -placed.y;
    } else if (flatten > 0.5) {
        placed.xyz -= sun * (placed.y / sun.y);
        placed.y = 0.0;
    }
    gl_Position = frame * placed;
}
