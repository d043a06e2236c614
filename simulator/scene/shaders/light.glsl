// What every surface sees around it. Radiance is in units in which a white sheet in full sun gives about 1.
uniform vec3 eye;
uniform vec3 sun;
uniform vec3 sun_light;
uniform vec3 zenith;
uniform vec3 horizon;
uniform vec3 ground;
uniform vec3 trees;
uniform float overcast;     // 0: clear; 1: the sun is a bright patch only
uniform float infrared;     // 1: sees by its own lamp, in one color
uniform float lamp_power;   // of the post's lamp
uniform sampler2D rough;    // a repeating random field in [0, 1]

vec3 surroundings(vec3 dir) {
    float up = dir.y;
    float azimuth = atan(dir.x, dir.z);
    vec3 sky = mix(horizon, zenith, pow(clamp(up, 0.0, 1.0), 0.55));
    float cloud = texture(rough, dir.xz / (abs(up) + 0.35) * 0.22).r;
    sky *= 1.0 + 0.55 * smoothstep(0.45, 0.80, cloud) * (1.0 - overcast);
    float roofs = 0.01 + 0.30 * smoothstep(0.42, 0.75, texture(rough, vec2(azimuth * 0.55, 0.37)).r) + 0.07 * texture(rough, vec2(azimuth * 1.7, 0.71)).r;
    vec3 far = trees * (0.45 + 1.0 * texture(rough, vec2(azimuth * 2.1, up * 2.9)).r);
    vec3 low = ground * (0.75 + 0.5 * smoothstep(0.0, -0.5, up));
    vec3 seen = mix(far, sky, smoothstep(roofs - 0.015, roofs + 0.02, up));
    return mix(low, seen, smoothstep(-0.035, 0.0, up));
}

float fresnel(float base, float cosine) {
    return base + (1.0 - base) * pow(clamp(1.0 - cosine, 0.0, 1.0), 5.0);
}
