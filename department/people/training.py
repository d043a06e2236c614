"""The pages on which someone does exercises, by keyboard: one question at a time, then what came of it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.errors import PersonError
from platepost.department.people.exercise_file import ExerciseSet
from platepost.department.people.exercises import exercise_set, exercise_sets, note_exercises
from platepost.department.people.rights import Permission

_ANSWERS = "people_exercises"
"""In a session, by set: what was answered so far."""


@needs(Permission.OWN_ACCOUNT)
@require_safe
def training(request: CurrentRequest) -> HttpResponse:
    """Show the sets of exercises, and the person's results."""
    exercises = request.user.exercises.order_by("-done_at", "topic")[:40]
    return render(request, "people/training.html", {"sets": [*exercise_sets()], "done": exercises})


@needs(Permission.OWN_ACCOUNT)
@require_http_methods(["GET", "HEAD", "POST"])
def exercise(request: CurrentRequest, name: str) -> HttpResponse:
    """Show the next exercise of a set, or take the answer to it; after the last, note what came of it."""
    chosen_set = _exercise_set(name)
    answers: list[str] = _answers(request, name, chosen_set)
    shown = None
    # What was sent twice answers no other exercise.
    if request.method == "POST" and request.POST.get("number") == str(len(answers) + 1):
        exercise = chosen_set.exercises[len(answers)]
        answer = request.POST.get("answer", "").strip()[:64]
        if answer:
            shown = (exercise, answer, exercise.is_answered_by(answer))
            answers.append(answer)
            request.session[_ANSWERS] = {name: answers}
    if len(answers) == len(chosen_set.exercises):
        del request.session[_ANSWERS]
        noted = note_exercises(request.user, chosen_set, dict(enumerate(answers)))
        return render(request, "people/exercise.html", {"name": name, "last": shown, "noted": noted})
    context = {"name": name, "last": shown, "exercise": chosen_set.exercises[len(answers)], "number": len(answers) + 1}
    return render(request, "people/exercise.html", {**context, "of": len(chosen_set.exercises)})


@needs(Permission.OWN_ACCOUNT)
@require_safe
def exercise_picture(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Show the drawn plate of an exercise."""
    del request
    chosen_set = _exercise_set(name)
    image = chosen_set.exercises[number - 1].image if 0 < number <= len(chosen_set.exercises) else None
    if image is None:
        raise Http404
    return HttpResponse(image, content_type="image/png")


@needs(Permission.OWN_ACCOUNT)
@require_http_methods(["POST"])
def begin_again(request: HttpRequest, name: str) -> HttpResponse:
    """Forget what was answered so far."""
    request.session.pop(_ANSWERS, None)
    return redirect("exercise", name)


def _exercise_set(name: str) -> ExerciseSet:
    try:
        return exercise_set(name)
    except PersonError as error:
        raise Http404 from error


def _answers(request: HttpRequest, name: str, of: ExerciseSet) -> list[str]:
    """Return what was answered so far; of a set that has become shorter, nothing."""
    answers = [*request.session.get(_ANSWERS, {}).get(name, [])]
    return answers if len(answers) < len(of.exercises) else []
