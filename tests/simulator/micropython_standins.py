# ruff: noqa: ANN001, ANN002, ANN201, T201
# Run by MicroPython; the folder of the stand-ins is the first argument.
import sys

sys.path.insert(0, sys.argv[1])
import picamera2
from RPi import GPIO


def refuses(error, call, *given):
    try:
        call(*given)
    except error:
        return
    raise AssertionError("not refused")


# The board.
refuses(RuntimeError, GPIO.output, 17, 1)
GPIO.setwarnings(False)
GPIO.setmode(GPIO.BCM)
refuses(ValueError, GPIO.setup, 28, GPIO.OUT)
refuses(RuntimeError, GPIO.input, 4)
GPIO.setup(17, GPIO.OUT, initial=GPIO.LOW)
GPIO.setup(4, GPIO.IN, pull_up_down=GPIO.PUD_UP)
assert GPIO.input(4) == GPIO.HIGH
GPIO.pin(4).drive_low()
assert GPIO.input(4) == GPIO.LOW
strobe = GPIO.PWM(17, 400)
refuses(RuntimeError, GPIO.PWM, 17, 400)
strobe.start(20)
refuses(ValueError, strobe.ChangeDutyCycle, 101)
strobe.stop()
assert [state for _, state in GPIO.pin(17).states] == [0, ("pwm", 400, 20), 0], GPIO.pin(17).states
assert all(delta >= 0 for delta, _ in GPIO.pin(17).states)
GPIO.cleanup([4, 17])
print("gpio")

# The camera.
sensor = picamera2.sensor
camera = picamera2.Picamera2(0)
streams = {
    "main": {"format": "YUV420", "size": (200, 100)},
    "lores": {"format": "YUV420", "size": (100, 50)},
}
refuses(RuntimeError, camera.set_controls, {"LensPosition": 1.0})
camera.configure(camera.create_preview_configuration(controls={"FrameDurationLimits": (5000, 5000)}, **streams))
camera.start()


def take():
    request = camera.wait(camera.capture_request(wait=False), timeout=2)
    with picamera2.MappedArray(request, "main", reshape=False, write=False) as mapped:
        luma = bytes(mapped.array[:200])
    request.release()
    refuses(RuntimeError, request.release)
    return luma


assert take() != take()
sensor.freeze()
assert take() == take()
sensor.resume()
sensor.blacken()
assert max(take()) == 0
sensor.hang(needs_power_cycle=True)
refuses(OSError, camera.wait, camera.capture_request(wait=False), 0.05)
sensor.power(False)
sensor.power(True)
assert max(take()) > 0
held = [camera.wait(camera.capture_request(wait=False), timeout=2) for _ in range(4)]
refuses(OSError, camera.wait, camera.capture_request(wait=False), 0.05)
for request in held:
    request.release()
camera.stop()
camera.close()
assert [what for _, what, _ in sensor.history][-2:] == ["stop", "close"]
print("camera")
print("done")
