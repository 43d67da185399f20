namespace MegaInfer.Rl.Pretraining.Functions;

/// <summary>Arrays that live from step to step and only grow.</summary>
internal static class Workspace
{
    /// <summary>The array itself if it holds <paramref name="count"/> elements, else a larger one; contents are not kept.</summary>
    public static T[] Sized<T>(T[] array, int count) => array.Length >= count ? array : new T[Math.Max(count, array.Length * 5 / 4)];
}
